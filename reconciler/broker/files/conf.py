"""Parse and check mosquitto.conf: its options, what a broker would reject, and what a reload applies.

The tables follow src/conf.c in Mosquitto 2.0.11 and 2.1.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.digits import number_in
from reconciler.model.similar import similar

from .file_set import mistake


class Version(StrEnum):
    """The supported versions of Mosquitto."""

    V2_0 = "2.0"
    V2_1 = "2.1"


class Setting(Struct, frozen=True):
    """One line of the configuration; `listener` is the `listener` line above it, empty before the first."""

    line: int
    listener: str
    option: str
    value: str


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BOOLEANS = _names(
    """
    allow_anonymous allow_duplicate_messages allow_zero_length_clientid auth_plugin_deny_special_chars
    autosave_on_changes bridge_attempt_unsubscribe bridge_insecure bridge_outgoing_retain bridge_require_ocsp
    check_retain_source cleansession connection_messages local_cleansession log_timestamp notifications
    notifications_local_only per_listener_settings persistence queue_qos0_messages require_certificate
    retain_available retained_persistence round_robin set_tcp_nodelay try_private upgrade_outgoing_qos
    use_identity_as_username use_subject_as_username use_username_as_clientid
    bridge_tls_use_os_certs disable_client_cert_date_checks enable_control_api listener_allow_anonymous
    proxy_protocol_v2_require_tls
    """
)
_NUMBERS = _names(
    """
    autosave_interval bridge_max_packet_size idle_timeout keepalive_interval max_connections max_inflight_bytes
    max_inflight_messages max_keepalive max_packet_size max_qos max_queued_bytes max_queued_messages max_topic_alias
    maximum_qos memory_limit message_size_limit port sys_interval threshold websockets_headers_size
    websockets_log_level
    bridge_max_topic_alias bridge_receive_maximum bridge_session_expiry_interval bridge_tcp_keepalive
    bridge_tcp_user_timeout enable_proxy_protocol global_max_clients global_max_connections max_topic_alias_broker
    packet_buffer_size retain_expiry_interval
    """
)
_TEXTS = _names(
    """
    acl_file address addresses auth_plugin auto_id_prefix bind_address bind_interface bridge_alpn bridge_bind_address
    bridge_cafile bridge_capath bridge_certfile bridge_identity bridge_keyfile bridge_protocol_version bridge_psk
    bridge_tls_version cafile capath certfile ciphers ciphers_tls1.3 clientid clientid_prefixes connection crlfile
    dhparamfile http_dir include_dir keyfile listener local_clientid local_password local_username log_dest
    log_facility log_timestamp_format log_type mount_point notification_topic password password_file
    persistence_file persistence_location persistent_client_expiration pid_file plugin protocol psk_file psk_hint
    remote_clientid remote_password remote_username restart_timeout retry_interval socket_domain start_type
    tls_engine tls_engine_kpass_sha1 tls_keyform tls_version topic user username
    accept_protocol_versions bridge_ciphers bridge_ciphers_tls1.3 bridge_reload_type global_plugin http_api
    listener_auto_id_prefix plugin_load plugin_use websockets_origin
    """
)
_SINCE_2_1 = _names(
    """
    accept_protocol_versions bridge_ciphers bridge_ciphers_tls1.3 bridge_max_topic_alias bridge_receive_maximum
    bridge_reload_type bridge_session_expiry_interval bridge_tcp_keepalive bridge_tcp_user_timeout
    bridge_tls_use_os_certs disable_client_cert_date_checks enable_control_api enable_proxy_protocol
    global_max_clients global_max_connections global_plugin http_api listener_allow_anonymous
    listener_auto_id_prefix max_topic_alias_broker packet_buffer_size plugin_load plugin_use
    proxy_protocol_v2_require_tls retain_expiry_interval websockets_origin
    """
)
_RELOADED = _names(
    """
    acl_file allow_anonymous allow_duplicate_messages autosave_interval autosave_on_changes check_retain_source
    connection_messages log_dest log_facility log_timestamp log_timestamp_format log_type max_inflight_bytes
    max_inflight_messages max_keepalive max_packet_size max_queued_bytes max_queued_messages memory_limit
    message_size_limit password_file persistence persistence_file persistence_location
    persistent_client_expiration queue_qos0_messages retain_available set_tcp_nodelay sys_interval
    upgrade_outgoing_qos
    """
)
_OPTIONS = _BOOLEANS | _NUMBERS | _TEXTS
# Prefixes of options whose names a plugin chooses itself.
_PLUGIN_OPTIONS = ("plugin_opt_", "auth_opt_")
_REPEATABLE = frozenset({"address", "addresses", "connection", "listener", "log_dest", "log_type", "topic"})
BOUNDS = {
    "max_connections": (-1, 65535),
    "max_keepalive": (10, 65535),
    "max_packet_size": (20, 268_435_455),
    # 0 means no limit in the manual, and lost all QoS 0 messages in 2.0.2 and 2.0.16.
    "max_queued_messages": (1, 2**31 - 1),
    "max_inflight_messages": (1, 65535),
    "port": (1, 65535),
}


def parse(text: str) -> tuple[Setting, ...]:
    """The settings in their order. A comment must begin in the first column."""
    settings: list[Setting] = []
    listener = ""
    for number, line in enumerate(text.splitlines(), 1):
        option, _, value = line.strip().partition(" ")
        if line.startswith("#") or not option:
            continue
        listener = value.strip() if option == "listener" else listener
        settings.append(Setting(number, listener, option, value.strip()))
    return tuple(settings)


def complaints(settings: tuple[Setting, ...], version: Version, path: str) -> tuple[Diagnostic, ...]:
    """Report every line that this version would reject, or that leaves the broker open."""
    seen: set[tuple[str, str]] = set()
    found = []
    for setting in settings:
        again = (setting.listener, setting.option) in seen and _once(setting.option)
        seen.add((setting.listener, setting.option))
        problem = (f"{setting.option} is set twice", "keep one of the lines") if again else None
        problem = problem or _problem(setting, version)
        if problem:
            found.append(mistake(path, setting.line, *problem))
    return (*found, *(mistake(path, 0, *problem) for problem in _gaps(settings)))


def values(settings: tuple[Setting, ...], option: str) -> tuple[str, ...]:
    """All values of an option, under any listener."""
    return tuple(setting.value for setting in settings if setting.option == option)


def changed(old: tuple[Setting, ...], new: tuple[Setting, ...]) -> tuple[str, ...]:
    """The sorted options that differ between two configurations; order and comments do not count.

    For an added or removed listener, only `listener` counts, not the options under it.
    """
    both = {setting.listener for setting in old} & {setting.listener for setting in new}
    before, after = (
        {(s.listener, s.option, s.value) for s in settings if s.listener in both or s.option == "listener"}
        for settings in (old, new)
    )
    return tuple(sorted({option for _, option, _ in before ^ after}))


def is_reloaded(option: str) -> bool:
    """Whether a running broker applies a change of this option on SIGHUP."""
    return option in _RELOADED


def _once(option: str) -> bool:
    return option in _OPTIONS and option not in _REPEATABLE


def _problem(setting: Setting, version: Version) -> tuple[str, str] | None:
    option, value = setting.option, setting.value
    if option.startswith(_PLUGIN_OPTIONS):
        return None
    if option not in _OPTIONS:
        near = similar(option, _OPTIONS)
        return f"{option!r} is not an option of Mosquitto", f"write {near[0]}" if near else "remove the line"
    if option in _SINCE_2_1 and version is Version.V2_0:
        return f"{option} needs Mosquitto 2.1", "remove the line, or install Mosquitto 2.1"
    if not value:
        return f"{option} has no value", "add a value, or remove the line"
    return _value_problem(option, value)


def _value_problem(option: str, value: str) -> tuple[str, str] | None:
    if option in _BOOLEANS and value not in {"true", "false", "0", "1"}:
        return f"{option} must be true or false, not {value!r}", "write true or false"
    if option == "allow_anonymous" and value in {"true", "1"}:
        return "anyone can connect without a user name", "write allow_anonymous false"
    if option == "listener":
        return _listener_problem(value)
    if option in _NUMBERS:
        return _number_problem(option, value)
    return None


def _listener_problem(value: str) -> tuple[str, str] | None:
    port = value.partition(" ")[0]
    right = 1 <= (number_in(port) or 0) <= 65535
    return None if right else (f"{port!r} is not a port", "choose one from 1 to 65535")


def _number_problem(option: str, value: str) -> tuple[str, str] | None:
    size = number_in(value.removeprefix("-"))
    if size is None:
        return f"{option} must be a number, not {value!r}", "write a whole number"
    low, high = BOUNDS.get(option, (-1, 2**63 - 1))
    if not low <= (-size if value.startswith("-") else size) <= high:
        return f"{option} is {value}, outside of {low} to {high}", f"choose a number from {low} to {high}"
    return None


def _gaps(settings: tuple[Setting, ...]) -> Iterator[tuple[str, str]]:
    """Missing options that leave the broker open or useless."""
    for option in ("acl_file", "password_file", "listener"):
        if not values(settings, option):
            yield f"no {option} is set", "let reconciler make the file again"
    for listener in values(settings, "listener"):
        own = {setting.option for setting in settings if setting.listener == listener}
        missing = sorted({"certfile", "keyfile"} - own)
        if missing:
            yield f"listener {listener} has no {' and no '.join(missing)}: it would use no TLS", "remove the listener"
