"use strict";
// Keeps the page up to date. Every page is complete without it.
// Lines come from the server as HTML in which all text of others is escaped; everything else is set as text.

const live = document.getElementById("live");
const board = document.getElementById("board");

function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// --- the board ---------------------------------------------------------------------------------

const lines = new Map();
if (board) for (const line of board.children) if (line.id) lines.set(line.id, line);

function show(news) {
  if (news.title !== undefined) document.title = board ? news.title : document.title;
  if (board) showLines(news);
  if (news.asks) notifyOf(news.asks);
}

function showLines(news) {
  for (const part of ["head", "plans"])
    if (news[part] !== undefined) document.getElementById(part).replaceChildren(fragment(news[part]));
  for (const [id, html] of Object.entries(news.lines || {})) {
    const made = fragment(html).firstElementChild;
    const before = lines.get(id);
    const had = before && before.contains(document.activeElement);
    if (before) before.replaceWith(made);
    lines.set(id, made);
    if (had) made.querySelector("a").focus({ preventScroll: true });
  }
  if (news.order) arrange(news.order);
}

function arrange(order) {
  const wanted = new Set(order);
  for (const id of [...lines.keys()]) if (!wanted.has(id)) lines.delete(id);
  const focused = document.activeElement;
  const none = board.querySelector(".none");
  board.replaceChildren(...order.map((id) => lines.get(id)).filter(Boolean), ...(order.length ? [] : none ? [none] : []));
  if (board.contains(focused)) focused.focus({ preventScroll: true });
}

// --- the stream --------------------------------------------------------------------------------

let source = null;
let again = 1000;

function connect() {
  const query = new URLSearchParams(location.search).get("q");
  source = new EventSource("/events" + (board && query ? "?q=" + encodeURIComponent(query) : ""));
  source.onopen = () => { again = 1000; state("live"); };
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.onerror = () => {
    state("lost");
    if (source.readyState === EventSource.CLOSED) reconnect();
  };
}

function reconnect() {
  setTimeout(async () => {
    again = Math.min(again * 2, 30000);
    const answer = await fetch("/here", { method: "HEAD" }).catch(() => null);
    if (answer && answer.status === 401) location.reload();
    else connect();
  }, again);
}

function state(now) {
  live.className = now;
  live.textContent = now === "live" ? "live" : "no connection; trying again";
}

// --- the screen of an agent --------------------------------------------------------------------

const screen_ = document.getElementById("screen");

async function look() {
  if (document.visibilityState === "visible") {
    const answer = await fetch(screen_.dataset.from).catch(() => null);
    if (answer && answer.ok) screen_.replaceChildren(fragment(await answer.text()));
  }
  setTimeout(look, 2000);
}

// --- notifications -----------------------------------------------------------------------------

const KNOWN = "reconciler-asked";
// A worker notifies only once it is active; null where there is none.
const serving = "serviceWorker" in navigator
  ? navigator.serviceWorker.register("/worker.js").then(() => navigator.serviceWorker.ready, () => null)
  : null;

function notifyOf(asks) {
  const known = new Set(JSON.parse(localStorage.getItem(KNOWN) || "[]"));
  const now = asks.map((ask) => ask.id + " " + ask.text);
  localStorage.setItem(KNOWN, JSON.stringify(now));
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  asks.filter((ask, at) => !known.has(now[at])).forEach(notify);
}

async function notify(ask) {
  const options = { body: ask.text, tag: ask.id, icon: "/icon-192.png", data: ask.url };
  const worker = await serving;
  if (worker) worker.showNotification(ask.name + " asks", options);
  else new Notification(ask.name + " asks", options).onclick = () => { window.focus(); location.href = ask.url; };
}

function offerNotifications(button, said) {
  if (!window.isSecureContext || !("Notification" in window)) {
    said.textContent = "This browser does not notify here, because it does not call this address secure. See below.";
    return;
  }
  const tell = () => {
    button.hidden = Notification.permission !== "default";
    said.textContent = { granted: "This browser notifies you when an agent asks.", denied: "You told this browser not to notify; its settings for this page change that.", default: "This browser can notify you when an agent asks." }[Notification.permission];
  };
  button.onclick = () => Notification.requestPermission().then(tell);
  tell();
}

// --- installing --------------------------------------------------------------------------------

let offered = null;
window.addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offered = event;
  const button = document.getElementById("install");
  if (button) { button.hidden = false; button.onclick = () => offered.prompt(); }
});

function tellOfInstalling(said) {
  if (window.matchMedia("(display-mode: standalone)").matches) said.textContent = "It is installed here.";
  else if (window.isSecureContext) said.textContent = "This browser calls the address secure, so the page can be installed.";
}

// --- begin -------------------------------------------------------------------------------------

if (screen_) look();
const button = document.getElementById("notify");
if (button) {
  offerNotifications(button, document.getElementById("notify-state"));
  tellOfInstalling(document.getElementById("install-state"));
}
connect();
