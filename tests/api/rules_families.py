"""The rules of the UDP and Unix clients: those of the TCP client with other names and arguments, and
what only these families have. Made in place of copies, so that no two can drift apart."""

import copy
import re
from dataclasses import fields, is_dataclass

from rules import (FAILURE, MAX_SIZE, OK, RULES, TIMEOUT, Buffer, Given, Handle, Number, Output, Size,
                   callbacks, client, frees, invalid, rule, COUNT_DESTROY, unless_null)
from rules_async import ASYNC
from rules_low import low_rules
from rules_tls import TLS


def adapted(value, words):
    """The same with words replaced, down to the texts."""
    if isinstance(value, str):
        return re.sub("|".join(map(re.escape, words)), lambda match: words[match[0]], value)
    if isinstance(value, tuple):
        return tuple(adapted(item, words) for item in value)
    if isinstance(value, dict):
        return {key: adapted(item, words) for key, item in value.items()}
    if is_dataclass(value):
        other = copy.copy(value)
        for item in fields(value):
            setattr(other, item.name, adapted(getattr(value, item.name), words))
        return other
    if callable(value):
        return lambda arguments: adapted(value(arguments), words)
    return value


# Not of TCP's own, but of all sockets.
SOCKET_OPTION = Number("EN_OPTION_KEEPALIVE")


class Family:
    """The names of one family, and its arguments in the fixture."""

    def __init__(self, name, is_stream):
        self.prefix = f"en_{name}_"
        short = name.replace("unix_", "")
        self.client, self.options, self.fd = f"fx->{short}", f"fx->{short}_options", f"fx->{short}_fd"
        self.protocol = "fx->protocol" if is_stream else "fx->datagrams"
        self.empty = OK if is_stream else invalid()
        self.words = {"en_tcp_": self.prefix, "fx->client": self.client, "fx->options": self.options,
                      "fx->fd": self.fd, "fx->protocol": self.protocol, "fx->port": f"fx->{short}_port"}

    def rules(self, functions):
        """Those of the functions that TCP has, too."""
        for function in functions:
            twin = RULES.get(function.replace(self.prefix, "en_tcp_"))
            if not function.startswith(self.prefix) or twin is None:
                continue
            mine = adapted(twin, self.words)
            if "option" in mine.parameters:
                mine.parameters["option"] = SOCKET_OPTION
            yield function, mine

    def connects(self, **to):
        kind = f"{self.prefix}client"
        return rule(out=Handle(f"{kind}_t", f"{kind}_free"), **to, protocol=Given(self.protocol),
                    options=Given(self.options, null=OK))

    def sets(self, **parameters):
        return rule(options=Given(self.options), **parameters)

    def unix_rules(self, name, path):
        """What only Unix sockets have; they connect to the name in the fixture."""
        mine = client(self.client)
        named = {"name": Handle("en_unix_address_t", "en_unix_address_free")}
        return {
            "client_connect": self.connects(address=Given(name)),
            "client_connect_path": self.connects(path=Given(path, variants=(('""', invalid("path")),))),
            "client_get_local_name": rule(client=mine, **named),
            "client_get_peer_name": rule(client=mine, **named),
            "client_get_peer_credentials": rule(client=mine, credentials=Output("en_credentials_t")),
            "client_send_packet_with_ancillary": rule(
                client=mine, data=Buffer("fx->buffer", "size", empty=self.empty),
                size=Size("1", smaller=(("0", self.empty),)), ancillary=Given("fx->outgoing"), timeout_ms=TIMEOUT,
                before="memset(fx->buffer, 'x', BUFFER_SIZE);"),
            "client_recv_packet_with_ancillary": rule(
                client=mine, control_room=Number("0", good="x <= 1048576", extra=("1048576", "1048577")),
                timeout_ms=TIMEOUT, ancillary=Given("fx->ancillary"),
                packet=Output("en_packet_t", free="en_packet_release")),
            "options_set_local_address": self.sets(address=Given("fx->name", null=OK)),
            "options_set_receive_credentials": self.sets(receive_credentials=Number("1", good="x == 0 || x == 1")),
            "options_set_max_datagram_size": self.sets(
                size=Number("4096", good="x <= 1073741824", extra=("1073741824", "1073741825"))),
        }


UDP, STREAM, DATAGRAM = Family("udp", False), Family("unix_stream", True), Family("unix_datagram", False)

DATAGRAM_WORDS = {"en_stream_protocol": "en_datagram_protocol", "fx->protocol": "fx->datagrams"}


def messages(result="code", **parameters):
    return rule(result, ancillary=Given("fx->ancillary"), **parameters)


def new_name(**parameters):
    return rule(out=Handle("en_unix_address_t", "en_unix_address_free"), **parameters)


ALONE = {
    "en_datagram_protocol_new_raw": adapted(RULES["en_stream_protocol_new_raw"], DATAGRAM_WORDS),
    "en_datagram_protocol_free": adapted(RULES["en_stream_protocol_free"], DATAGRAM_WORDS),
    "en_datagram_protocol_new": rule(
        out=Handle("en_datagram_protocol_t", "en_datagram_protocol_free"),
        callbacks=callbacks("datagram_callbacks", "make_datagram", "build_packet"), max_packet_size=MAX_SIZE,
        destroy=Given("sweep_destroy", null=OK), user_data=Given("fx", null=OK), after=COUNT_DESTROY),

    "en_udp_options_set_family": UDP.sets(family=Number("EN_FAMILY_IPV4", good="x == 0 || x == 4 || x == 6", extra=("4", "6"))),
    "en_udp_options_set_max_datagram_size": UDP.sets(
        size=Number("4096", good="x <= 1073741824", extra=("1073741824", "1073741825"))),
    "en_udp_options_set_receive_offload": UDP.sets(receive_offload=Number("1", good="x == 0 || x == 1")),
    "en_udp_options_set_reuse_port": UDP.sets(reuse_port=Number("1", good="x == 0 || x == 1")),

    "en_ancillary_new": rule(out=Handle("en_ancillary_t", "en_ancillary_free")),
    "en_ancillary_clear": messages(),
    "en_ancillary_add_fds": messages(fds=Buffer("&fx->peer", "count"), count=Size("1", smaller=(("0", OK),))),
    "en_ancillary_add_creds": messages(pid=Number("0"), uid=Number("0"), gid=Number("0")),
    "en_ancillary_space": rule(fds=Number("1"), credentials=Number("1"), size=Output("size_t")),
    "en_ancillary_count": messages("value"),
    "en_ancillary_get_kind": messages("value", index=Number("0", good="x <= 1", bad=invalid("index"))),
    "en_ancillary_get_message": messages(
        index=Number("0", good="x <= 1", bad=invalid("index")), level=Output("int"), type=Output("int"),
        data=Output("const void *"), size=Output("size_t")),
    "en_ancillary_fd_count": messages("value"),
    "en_ancillary_take_fds": messages(
        fds=Buffer("taken", "capacity", empty=("EN_EMSGSIZE", None)),
        capacity=Size("2", smaller=(("0", ("EN_EMSGSIZE", None)), ("1", OK))), count=Output("size_t", always=True),
        before="int taken[2] = {-1, -1};", after=lambda _: "if (taken[0] >= 0)\n        close(taken[0]);"),
    "en_ancillary_get_creds": messages(credentials=Output("en_credentials_t")),
    "en_ancillary_is_truncated": messages("value"),
    "en_ancillary_free": frees("ancillary"),

    "en_unix_address_new_path": new_name(path=Given('"/x"', variants=(('""', invalid("path")),))),
    "en_unix_address_new_abstract": new_name(name=Buffer('"x"', "size"), size=Size("1", smaller=(("0", OK),))),
    "en_unix_address_new_unnamed": new_name(),
    "en_unix_address_from_sockaddr": new_name(
        sockaddr=Buffer("&fx->unix_sockaddr", "size", empty=invalid()),
        size=Size("fx->unix_sockaddr_size", smaller=(("0", invalid()), ("1", invalid())))),
    "en_unix_address_to_sockaddr": rule(
        address=Given("fx->name"), sockaddr=Given("&fx->unix_sockaddr"),
        size=Output("size_t", room="sizeof(fx->unix_sockaddr)")),
    "en_unix_address_kind": rule("value", address=Given("fx->name")),
    "en_unix_address_name": rule(address=Given("fx->name"), data=Output("const void *"), size=Output("size_t")),
    "en_unix_address_to_text": rule(address=Given("fx->name"), text=Given("(char *)fx->buffer"),
                                    size=Output("size_t", room="sizeof(fx->buffer)")),
    "en_unix_address_equal": rule("value", one=Given("fx->name"), other=Given("fx->stream_name")),
    "en_unix_address_free": rule("nothing", address=Given("fx->name", null=OK),
                                 after=unless_null("address", "fx->name = NULL;")),
}


def all_rules(functions):
    """Every rule there is, for these functions."""
    rules = dict(RULES)
    for family in UDP, STREAM, DATAGRAM:
        rules.update(family.rules(functions))
    for family, name, path in (STREAM, "fx->stream_name", "fx->stream_path"), (DATAGRAM, "fx->datagram_name", "fx->datagram_path"):
        own = family.unix_rules(name, path).items()
        rules.update((family.prefix + function, mine) for function, mine in own if family.prefix + function in functions)
    twins = ({name.removeprefix(family.prefix + "client_"): each for name, each in rules.items()
              if name.startswith(family.prefix + "client_")} for family in (STREAM, DATAGRAM))
    return rules | ALONE | TLS | ASYNC | low_rules(functions, *twins)
