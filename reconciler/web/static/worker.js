"use strict";
// Phones show notifications only through a service worker. It stores nothing and answers no request.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data || "/", self.location.origin);
  event.waitUntil(
    url.origin === self.location.origin
      ? self.clients.matchAll({ type: "window" }).then((found) =>
          found.length ? found[0].focus().then((client) => client.navigate(url.href)) : self.clients.openWindow(url.href))
      : Promise.resolve());
});
