/* Made from easynet.h for cffi, LuaJIT and the like. */
/*
 * easynet: network clients that send and receive packets.
 *
 * Made by cbindgen from src/ffi; `make header` renews it.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What holds for all functions:
 *
 * - Who answers an int answers `EN_OK` or something that is not negative, or a negative code; then
 *   `en_last_error_message` says what was tried and why it failed. Outputs are written on success only,
 *   but for those of which the comment says "always" and a constructor's, which is NULL after a
 *   failure.
 * - `Thread-safe`: any thread may call it at any time. `One thread at a time`: no two threads with the
 *   same object. `Loop thread only`: the thread that runs the loop, or any one at a time as long as none
 *   does; while one does, other threads are answered `EN_EBUSY`.
 * - NULL for a handle or an output is `EN_EINVAL` where the comment does not say otherwise; `(NULL, 0)`
 *   is no bytes. Strings end with NUL and are UTF-8; paths are of any bytes.
 * - `timeout_ms` are milliseconds for the whole call: `EN_TIMEOUT_INFINITE` (or anything negative) waits
 *   for ever, `EN_TIMEOUT_NONE` (0) does not wait.
 * - `EN_EPANIC` is a bug in easynet. The handle that it met, or its loop with all that is on it, answers
 *   nothing else from then on; it can be freed.
 */




/** Whether this header is of the given version or of a later one. */

/** success */
/** operation not permitted */
/** no such file or directory */
/** no such process */
/** interrupted by a signal */
/** input/output error */
/** bad file descriptor */
/** the operation would wait until the descriptor is readable */
/** out of memory */
/** permission denied */
/** bad address */
/** busy: such a call is already under way */
/** file exists */
/** no such device */
/** not a directory */
/** invalid argument */
/** too many open files in the system */
/** too many open files in this process */
/** no space left */
/** read-only file system */
/** the sending direction is broken */
/** result out of range */
/** called from inside a callback of the same client */
/** name too long */
/** not supported by this system */
/** too many symbolic links */
/** ancillary data came with less than a whole packet */
/** no such attribute */
/** protocol error */
/** the bytes received are no packet */
/** value too large */
/** the handle is closed */
/** the descriptor is not a socket */
/** destination address required */
/** message too large */
/** wrong type of socket */
/** no such socket option */
/** protocol not supported */
/** socket type not supported */
/** operation not supported */
/** address family not supported */
/** address already in use */
/** address not available on this machine */
/** network is down */
/** network unreachable */
/** connection dropped by the network */
/** the peer ended the connection */
/** connection reset by the peer */
/** no buffer space available */
/** already connected */
/** not connected */
/** the end of the stream was already sent */
/** too many descriptors in flight */
/** timed out */
/** connection refused */
/** host is down */
/** no route to host */
/** already in progress */
/** in progress */
/** cancelled */
/** the handle belongs to the parent process */
/** a bug in easynet: the handle can no longer be used */
/** the operation would wait until the descriptor is writable */
/** the peer ended the stream in the middle of a packet */
/** the system declared the connection dead */
/** name resolution failed for good */
/** no such host */
/** name resolution failed for now */
/** the host has no address */
/** the host has no address of the wanted family */
/** name resolution does not know the service */
/** name resolution ran out of memory */
/** name resolution met a system error */
/** the peer does not speak TLS as it should */
/** the peer ended TLS without saying so */
/** the peer refused with a TLS alert */
/** no TLS version, cipher suite or application protocol in common */
/** no trusted certificates were found */
/** the peer showed no certificate */
/** the certificate has expired */
/** the certificate is not valid yet */
/** the certificate comes from no trusted authority */
/** the certificate is signed by itself and not trusted */
/** the certificate is for another name */
/** the certificate has been revoked */
/** nobody says whether the certificate has been revoked */
/** the certificate is that of an authority, not of a peer */
/** the certificate is for another purpose */
/** the certificate is not one of those pinned */
/** a signature of the certificate or handshake is wrong */
/** the certificate cannot be read */
/** the certificate was refused */
/** an error of the application's own */


/**
 * Wait for ever.
 */

/**
 * Do not wait.
 */

/**
 * This build can speak TLS (`en_features`).
 */

/**
 * Nothing.
 */

/**
 * What went wrong and no call could report.
 */

/**
 * What is suspicious.
 */

/**
 * What happens to connections.
 */

/**
 * Each attempt to connect, each socket option that was refused.
 */

/**
 * Everything.
 */

/**
 * No family in particular.
 */

/**
 * IPv4.
 */

/**
 * IPv6.
 */

/**
 * Enough bytes for the text of any address, terminator included.
 */

/**
 * A Unix socket without a name.
 */

/**
 * A path in the file system.
 */

/**
 * An abstract name: any bytes, zeros included.
 */

/**
 * Enough bytes for the text of any name of a Unix socket, terminator included.
 */

/**
 * A message with descriptors.
 */

/**
 * A message with the credentials of a process.
 */

/**
 * Any other message: see its bytes.
 */

/**
 * The maximum packet size where 0 is given: 16 MiB. At most 1 TiB (1099511627776) may be given,
 * with 32 bits less than 2 GiB.
 */

/**
 * A line ends with LF.
 */

/**
 * A line ends with CR LF.
 */

/**
 * A line ends with CR.
 */

/**
 * A line is sent with LF, and received with LF or CR LF.
 */

/**
 * The length is one byte.
 */

/**
 * The length is two bytes.
 */

/**
 * The length is four bytes.
 */

/**
 * The length is eight bytes.
 */

/**
 * The length has seven bits in each byte, the lowest first, and the highest bit says "more
 * follows" (LEB128, as Protocol Buffers have it). It has no byte order.
 */

/**
 * The most significant byte comes first (network byte order).
 */

/**
 * The least significant byte comes first.
 */

/**
 * What `decode` answers when `*packet` is a packet and `*used` bytes are spent.
 */

/**
 * What `decode` answers when it needs more bytes.
 */

/**
 * What every other protocol callback answers when all went well.
 */

/**
 * TLS 1.2, RFC 5246.
 */

/**
 * TLS 1.3, RFC 8446.
 */

/**
 * A certificate that no revocation list covers is refused.
 */

/**
 * A certificate that no revocation list covers is accepted.
 */

/**
 * Clients are not asked for a certificate.
 */

/**
 * Clients are asked for a certificate and may have none.
 */

/**
 * Clients must show a certificate.
 */

/**
 * TCP_NODELAY: 1 sends small packets at once (the default of this library), 0 gathers them.
 */

/**
 * SO_KEEPALIVE: 1 (the default of this library) or 0.
 */

/**
 * TCP_KEEPIDLE: seconds of silence before the first question.
 */

/**
 * TCP_KEEPINTVL: seconds between two questions.
 */

/**
 * TCP_KEEPCNT: questions before the connection is given up.
 */

/**
 * SO_LINGER: for how many seconds at most closing the descriptor waits until the peer has what was
 * sent; on a loop all its clients wait with it. 0 resets the connection at once; -1, the default,
 * is off.
 */

/**
 * TCP_USER_TIMEOUT: milliseconds that sent data may stay without an answer; 0 is the system's.
 */

/**
 * SO_RCVBUF: bytes of the system's receive buffer.
 */

/**
 * SO_SNDBUF: bytes of the system's send buffer.
 */

/**
 * SO_REUSEADDR: 0 or 1.
 */

/**
 * SO_REUSEPORT: 0 or 1.
 */

/**
 * The descriptor is to become readable.
 */

/**
 * The descriptor is to become writable.
 */

/**
 * The descriptor, an `int`.
 */

/**
 * The address family, an `int` (`AF_...`).
 */

/**
 * The name of this end, a `struct sockaddr`.
 */

/**
 * The name of the peer's end, a `struct sockaddr`.
 */

/**
 * Whether the end of TLS must be said, and heard, an `int`. (What else TLS has agreed on tells
 * `en_tls_info_t`.)
 */

/**
 * From here on the numbers are those of the application's own transports.
 */

/**
 * What a receiving callback answers when it wants the next packet, too.
 */

/**
 * What a receiving callback answers when it has enough: it is not called again.
 */

/**
 * An IPv4 or IPv6 address with a port; IPv6 with flow information and scope. It never changes.
 */
typedef struct en_address_t en_address_t;

/**
 * What goes beside the next packet of a Unix socket, and what came beside the last one.
 */
typedef struct en_ancillary_t en_ancillary_t;

/**
 * A client of any family on a loop, seen through what all have in common. It is borrowed from the
 * client it was got from (`en_async_tcp_client_as_async_client`, ...), and ends with it.
 */
typedef struct en_async_client_t en_async_client_t;

/**
 * A datagram transport and a protocol together, on a loop: packets, by operations that the loop
 * completes by calling back, as those of `en_async_tcp_client_t`. It keeps its own hold on the
 * transport, whose handle stays the caller's; closing it closes the transport for all, freeing it
 * only lets go.
 *
 * The transport needs a descriptor to wait for in each direction that the endpoint has. One made
 * of callbacks must give the same descriptor for as long as it is open, and its callbacks run
 * inside the loop.
 */
typedef struct en_async_datagram_endpoint_t en_async_datagram_endpoint_t;

/**
 * A stream transport and a protocol together, on a loop: packets, by operations that the loop
 * completes by calling back, as those of `en_async_tcp_client_t`. It keeps its own hold on the
 * transport, whose handle stays the caller's; closing it closes the transport for all, freeing it
 * only lets go.
 *
 * Over TLS whose handshake is yet to be done (`en_stream_transport_new_tls_noblock`) it shakes hands
 * first, within the handshake time-out of the transport, and operations wait for that. If it fails, the
 * transport is closed for all, and each operation of the endpoint, and of all who have the transport, answers
 * why.
 *
 * The transport needs a descriptor to wait for in each direction that the endpoint has. One made
 * of callbacks must give the same descriptor for as long as it is open, and its callbacks run
 * inside the loop.
 */
typedef struct en_async_stream_endpoint_t en_async_stream_endpoint_t;

/**
 * A TCP connection on a loop: operations that the loop completes by calling back. Several sends
 * and several receives may be in flight; each direction is served in order. An operation that
 * could not begin is told by the call, and never calls back; one that began calls back exactly
 * once, from the loop, never from inside the call. Time-outs are in milliseconds: negative is for
 * ever, 0 means that the operation is over with the loop's next turn.
 */
typedef struct en_async_tcp_client_t en_async_tcp_client_t;

/**
 * A connected UDP socket on a loop: operations that the loop completes by calling back. Several
 * sends and several receives may be in flight; each direction is served in order. An operation
 * that could not begin is told by the call, and never calls back; one that began calls back
 * exactly once, from the loop, never from inside the call. Time-outs are in milliseconds:
 * negative is for ever, 0 means that the operation is over with the loop's next turn.
 */
typedef struct en_async_udp_client_t en_async_udp_client_t;

/**
 * A connected Unix datagram socket on a loop: operations that the loop completes by calling back.
 * Several sends and several receives may be in flight; each direction is served in order. An
 * operation that could not begin is told by the call, and never calls back; one that began calls
 * back exactly once, from the loop, never from inside the call. Time-outs are in milliseconds:
 * negative is for ever, 0 means that the operation is over with the loop's next turn.
 */
typedef struct en_async_unix_datagram_client_t en_async_unix_datagram_client_t;

/**
 * A Unix stream connection on a loop: operations that the loop completes by calling back. Several
 * sends and several receives may be in flight; each direction is served in order. An operation
 * that could not begin is told by the call, and never calls back; one that began calls back
 * exactly once, from the loop, never from inside the call. Time-outs are in milliseconds:
 * negative is for ever, 0 means that the operation is over with the loop's next turn.
 */
typedef struct en_async_unix_stream_client_t en_async_unix_stream_client_t;

/**
 * A switch. Options take one; once it is thrown, every call of a client that has it, and a
 * connect that is under way, end with `EN_ECANCELED`, until the switch is reset.
 */
typedef struct en_cancel_t en_cancel_t;

/**
 * A blocking client of any family, seen through what all have in common. It is borrowed from the
 * client it was got from (`en_tcp_client_as_client`, ...), and ends with it.
 */
typedef struct en_client_t en_client_t;

/**
 * A datagram transport and a protocol together: packets, with calls that block.
 *
 * It keeps its own hold on the transport, whose handle stays the caller's. Sending and receiving
 * never wait for each other; a call that finds another one at the same direction of the endpoint
 * answers `EN_EBUSY`. Time-outs are in milliseconds and cover the whole call: negative waits for
 * ever, 0 does not wait.
 */
typedef struct en_datagram_endpoint_t en_datagram_endpoint_t;

/**
 * How a datagram becomes a packet, and a packet a datagram. A protocol never changes and serves any
 * number of clients at the same time; each of them keeps its own hold on it.
 */
typedef struct en_datagram_protocol_t en_datagram_protocol_t;

/**
 * Datagrams in each direction: what clients and endpoints are made over. A transport has one or
 * several holders: its handle, and all that was made over it. They are freed in any order.
 *
 * Each direction serves one call at a time; another one answers `EN_EBUSY`. Time-outs are in
 * milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
 */
typedef struct en_datagram_transport_t en_datagram_transport_t;

/**
 * How an endpoint is made. Options may be used for any number of endpoints, and changed or freed
 * as soon as the call that took them has returned.
 */
typedef struct en_endpoint_options_t en_endpoint_options_t;

/**
 * The bytes that one packet becomes, while `encode` (for datagrams: `make_datagram`) puts them
 * together. Valid only during that call and only for its thread.
 */
typedef struct en_frame_t en_frame_t;

/**
 * An event loop: it completes the operations of the clients that are on it. One thread at a time
 * uses it and everything on it; only `en_loop_stop` and `en_loop_post` may be called by others. While
 * one runs it, the other calls of others answer `EN_EBUSY`, and what they free stays.
 */
typedef struct en_loop_t en_loop_t;

/**
 * Packets of a client, one after the other, within one budget of time. It keeps what it needs of
 * the client: after the client is closed or freed it answers `EN_ECLOSED`.
 */
typedef struct en_packet_iter_t en_packet_iter_t;

/**
 * A stream transport and a protocol together: packets, with calls that block.
 *
 * It keeps its own hold on the transport, whose handle stays the caller's. Sending and receiving
 * never wait for each other; a call that finds another one at the same direction of the endpoint
 * answers `EN_EBUSY`. Time-outs are in milliseconds and cover the whole call: negative waits for
 * ever, 0 does not wait.
 */
typedef struct en_stream_endpoint_t en_stream_endpoint_t;

/**
 * How the bytes of a stream become packets, and packets bytes. A protocol never changes and
 * serves any number of clients at the same time; each of them keeps its own hold on it.
 */
typedef struct en_stream_protocol_t en_stream_protocol_t;

/**
 * A stream of bytes in each direction: what clients and endpoints are made over. A transport has
 * one or several holders: its handle, and all that was made over it. They are freed in any order.
 *
 * Each direction serves one call at a time; another one answers `EN_EBUSY`. Time-outs are in
 * milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
 */
typedef struct en_stream_transport_t en_stream_transport_t;

/**
 * A TCP connection that sends and receives packets, with calls that block.
 *
 * All calls may be made from any thread at any time. Calls that send wait for each other, and so
 * do calls that receive; sending and receiving never wait for each other. Time-outs are in
 * milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
 */
typedef struct en_tcp_client_t en_tcp_client_t;

/**
 * How a TCP client is made. Options may be used for any number of clients, and changed or freed
 * as soon as the call that took them has returned.
 */
typedef struct en_tcp_options_t en_tcp_options_t;

/**
 * How TLS is spoken by one side: whom it trusts, who it is, and the sessions it remembers. It never
 * changes, and serves any number of clients on any threads.
 */
typedef struct en_tls_config_t en_tls_config_t;

/**
 * What the two sides of a TLS connection agreed on: a copy, which stays as it is whatever becomes of
 * the client.
 */
typedef struct en_tls_info_t en_tls_info_t;

/**
 * What a TLS configuration is to be like. Files are read when they are named.
 */
typedef struct en_tls_options_t en_tls_options_t;

/**
 * How a transport is made. Options may be used for any number of transports, and changed or freed
 * as soon as the call that took them has returned.
 */
typedef struct en_transport_options_t en_transport_options_t;

/**
 * A UDP socket with one peer, that sends and receives packets, a datagram each, with calls that
 * block. Datagrams of others are not seen.
 *
 * All calls may be made from any thread at any time. Calls that send wait for each other, and so
 * do calls that receive; sending and receiving never wait for each other. Time-outs are in
 * milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
 */
typedef struct en_udp_client_t en_udp_client_t;

/**
 * How a UDP client is made. Options may be used for any number of clients, and changed or freed as
 * soon as the call that took them has returned.
 */
typedef struct en_udp_options_t en_udp_options_t;

/**
 * The name of a Unix socket: a path, an abstract name, or none. It never changes.
 */
typedef struct en_unix_address_t en_unix_address_t;

/**
 * A Unix datagram socket with one peer, that sends and receives packets, a datagram each, and
 * descriptors and credentials with them, with calls that block. Datagrams of others are not seen.
 *
 * All calls may be made from any thread at any time. Calls that send wait for each other, and so
 * do calls that receive; sending and receiving never wait for each other. Time-outs are in
 * milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
 */
typedef struct en_unix_datagram_client_t en_unix_datagram_client_t;

/**
 * How a Unix datagram client is made. Options may be used for any number of clients, and changed
 * or freed as soon as the call that took them has returned.
 */
typedef struct en_unix_datagram_options_t en_unix_datagram_options_t;

/**
 * A Unix stream connection that sends and receives packets, and descriptors and credentials with
 * them, with calls that block.
 *
 * All calls may be made from any thread at any time. Calls that send wait for each other, and so
 * do calls that receive; sending and receiving never wait for each other. Time-outs are in
 * milliseconds and cover the whole call: negative waits for ever, 0 does not wait.
 */
typedef struct en_unix_stream_client_t en_unix_stream_client_t;

/**
 * How a Unix stream client is made. Options may be used for any number of clients, and changed or
 * freed as soon as the call that took them has returned.
 */
typedef struct en_unix_stream_options_t en_unix_stream_options_t;

/**
 * Receives one message (UTF-8, without a newline, valid during the call only). It may be called
 * from any thread, also from several at once, and must not call `en_set_log_callback`.
 */
typedef void (*en_log_callback_t)(int level, const char *message, void *user_data);

/**
 * A received packet: bytes given to the caller, who ends with `en_packet_release`. They were not
 * copied on the way (but for what a transport received by itself, below 2048 bytes, and what
 * callbacks give from memory of their own), do not change, and stay valid after the client is closed
 * and freed. As long as a packet is held, so is the receive buffer that it lies in: who keeps packets
 * for long copies them.
 *
 * The layout is frozen. The struct may be copied; only one of the copies is released.
 */
typedef struct {
    /**
     * The first byte; never NULL, also for an empty packet, until it is released.
     */
    const uint8_t *data;
    /**
     * The number of bytes.
     */
    size_t size;
    /**
     * The library's own.
     */
    void *owner;
} en_packet_t;

/**
 * Who a process is. The layout is frozen.
 */
typedef struct {
    /**
     * The process.
     */
    int32_t pid;
    /**
     * Its user.
     */
    uint32_t uid;
    /**
     * Its group.
     */
    uint32_t gid;
} en_credentials_t;

/**
 * Bytes lent to the library for the time of a call. `(NULL, 0)` is an empty buffer.
 *
 * The layout is frozen.
 */
typedef struct {
    /**
     * The first byte.
     */
    const void *data;
    /**
     * The number of bytes.
     */
    size_t size;
} en_slice_t;

/**
 * Turns one packet, given in `count` parts, into bytes: appends them to `frame`, in any number of
 * steps, and answers `EN_CALLBACK_DONE`; or `EN_EBADMSG`, `EN_EMSGSIZE` or a code of the
 * application's own (`EN_EUSER_BASE` and below), and nothing is sent. What `en_frame_append`
 * answers is not an answer to give: it is 0 if all is well.
 */
typedef int (*en_encode_t)(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data);

/**
 * Looks for a packet at the beginning of the `size` bytes (at least one) that are there and not
 * spent. Answers
 * `EN_DECODE_PACKET`: `*packet` is a packet, and `*used` bytes (0 only if the packet came from
 * `state`) are spent. If `packet->data` points into `data`, it is handed on without a copy,
 * otherwise it is copied when the callback returns.
 * `EN_DECODE_MORE`: more bytes are needed; `*used` of them are spent (0 unless set), the rest is
 * shown again with what arrives.
 * `EN_EBADMSG`, `EN_EMSGSIZE` or a code of the application's own (`EN_EUSER_BASE` and below): the
 * receive fails so, `*used` bytes are skipped, and the next receive goes on behind them.
 * `*used` is 0 and `*packet` empty when the call begins; values out of bounds are `EN_EINVAL`.
 * `end_of_stream` is 1 if nothing can follow any more: a packet that only the end completes may
 * then be given. It is called without bytes (`size` 0) only then, and only if it has used bytes
 * since the last packet. `state` is what `new_state` made for this client.
 */
typedef int (*en_decode_t)(const uint8_t *data,
                           size_t size,
                           int end_of_stream,
                           size_t *used,
                           en_slice_t *packet,
                           void *state,
                           void *user_data);

/**
 * Makes the decoding state of one client: `*state`, NULL unless set. Answers `EN_CALLBACK_DONE`,
 * or a code as `decode` does, which fails the constructor of the client.
 */
typedef int (*en_new_state_t)(void **state, void *user_data);

/**
 * Ends the decoding state of one client: when it is closed, freed, or its loop is, and no call of it
 * is decoding.
 */
typedef void (*en_free_state_t)(void *state, void *user_data);

/**
 * A protocol made of callbacks. `struct_size` is `sizeof(en_stream_protocol_callbacks_t)`;
 * `encode` and `decode` are needed, the others may be NULL.
 *
 * The callbacks run inside the calls that send and receive, in the threads of those calls:
 * `encode` of one client never twice at a time, `decode` neither, but both at once, and those of
 * different clients in parallel. They must not throw, longjmp or exit the thread. Their own client
 * answers `EN_EDEADLK` to them, to all but close, abort, free, is_closed, fileno, and what it knows
 * by itself: addresses, the peer's credentials, the size of receives, statistics.
 */
typedef struct {
    /**
     * The size of this struct, in bytes.
     */
    size_t struct_size;
    /**
     * A packet becomes bytes.
     */
    en_encode_t encode;
    /**
     * Bytes become packets.
     */
    en_decode_t decode;
    /**
     * Makes the state for one client.
     */
    en_new_state_t new_state;
    /**
     * Ends the state of one client.
     */
    en_free_state_t free_state;
} en_stream_protocol_callbacks_t;

/**
 * Ends `user_data`.
 */
typedef void (*en_destroy_t)(void *user_data);

/**
 * Lends the memory that the next bytes are read into: `*size` bytes at `*buffer`, of which the
 * first `*start` (0 unless set) are already filled with bytes to decode. It stays the
 * application's, and must stay as it is until the next call of `lend` or the end of the state.
 * `size_hint` is how many bytes one read may bring. Answers `EN_CALLBACK_DONE` or a code as
 * `decode` does. An empty buffer, NULL, and a start at the end are `EN_EINVAL`.
 */
typedef int (*en_lend_t)(size_t size_hint,
                         void **buffer,
                         size_t *size,
                         size_t *start,
                         void *state,
                         void *user_data);

/**
 * Looks for a packet in the first `filled` bytes of the buffer that was lent last; answers as
 * `en_decode_t` does. What is not used behind a packet is put back at the start of the next
 * buffer, a part of it at a time: after `EN_DECODE_MORE` there is more behind the bytes that are
 * there, put back or read; `*used` must be 0 then, and if the buffer is full, the next one is lent
 * and begins with them.
 */
typedef int (*en_decode_buffer_t)(size_t filled,
                                  int end_of_stream,
                                  size_t *used,
                                  en_slice_t *packet,
                                  void *state,
                                  void *user_data);

/**
 * The holder of a packet has released it.
 */
typedef void (*en_release_t)(const void *data, size_t size, void *user_data);

/**
 * A protocol that lends the memory the socket reads into. `struct_size` is
 * `sizeof(en_buffered_protocol_callbacks_t)`; `encode`, `lend` and `decode` are needed.
 *
 * Without `release` packets are copied when `decode` returns, and the memory is free again. With
 * it they are handed on where they lie, and `release` is called for each, from any thread, when
 * its holder has released it; until then the application leaves those bytes alone. For threads and
 * re-entrance see `en_stream_protocol_callbacks_t`.
 */
typedef struct {
    /**
     * The size of this struct, in bytes.
     */
    size_t struct_size;
    /**
     * A packet becomes bytes.
     */
    en_encode_t encode;
    /**
     * Lends memory.
     */
    en_lend_t lend;
    /**
     * Bytes become packets.
     */
    en_decode_buffer_t decode;
    /**
     * Makes the state for one client.
     */
    en_new_state_t new_state;
    /**
     * Ends the state of one client.
     */
    en_free_state_t free_state;
    /**
     * Takes the bytes of a packet back.
     */
    en_release_t release;
} en_buffered_protocol_callbacks_t;

/**
 * Turns the `size` bytes of a datagram (there may be none) into a packet: answers
 * `EN_CALLBACK_DONE`, and `*packet` (empty unless set) is it. If `packet->data` points into `data`,
 * it is handed on without a copy, otherwise it is copied when the callback returns. `EN_EBADMSG`,
 * `EN_EMSGSIZE` or a code of the application's own (`EN_EUSER_BASE` and below): the receive fails
 * so, the datagram is gone, and the next receive goes on with the next one.
 */
typedef int (*en_build_packet_t)(const uint8_t *data,
                                 size_t size,
                                 en_slice_t *packet,
                                 void *user_data);

/**
 * A datagram protocol made of callbacks. `struct_size` is
 * `sizeof(en_datagram_protocol_callbacks_t)`; both callbacks are needed. For threads and
 * re-entrance see `en_stream_protocol_callbacks_t`: `make_datagram` is as `encode` there, and
 * `build_packet` as `decode`.
 */
typedef struct {
    /**
     * The size of this struct, in bytes.
     */
    size_t struct_size;
    /**
     * A packet becomes a datagram.
     */
    en_encode_t make_datagram;
    /**
     * A datagram becomes a packet.
     */
    en_build_packet_t build_packet;
} en_datagram_protocol_callbacks_t;

/**
 * Asked, in the thread of a call that waits, whether to go on: `EN_CALLBACK_DONE` yes;
 * `EN_ECANCELED`, `EN_EBADMSG`, `EN_EMSGSIZE` or a code of the application's own (`EN_EUSER_BASE` and
 * below) ends the call with that code. Nothing received is lost.
 */
typedef int (*en_interrupt_t)(void *user_data);

/**
 * Waits until `fd` is ready for what `interest` says (`EN_INTEREST_...`, one or both), or
 * `timeout_ms` milliseconds have passed (negative: never), in whatever way the application waits:
 * in a scheduler of coroutines, a foreign event loop. `fd` is -1 if there is nothing to poll;
 * then only time can pass. It may come back earlier: whoever called looks again. Answers
 * `EN_CALLBACK_DONE`; `EN_ECANCELED`, `EN_EBADMSG`, `EN_EMSGSIZE` or a code of the application's own
 * (`EN_EUSER_BASE` and below) ends the call with that code.
 *
 * Meanwhile all functions of the same handle may be called in the same thread, as from another
 * thread (to free it ends the call that waits, as soon as this function returns). It returns in
 * the thread that called it. It must not throw, longjmp or exit the thread.
 */
typedef int (*en_wait_t)(int fd, int interest, int64_t timeout_ms, void *user_data);

/**
 * What a client has done since it was made. `struct_size` is set by the caller to
 * `sizeof(en_stats_t)`; as many fields as it covers are filled, and those that this library does not know
 * are 0.
 */
typedef struct {
    /**
     * The size of this struct, in bytes.
     */
    size_t struct_size;
    /**
     * Packets that were sent, or taken into the write buffer.
     */
    uint64_t packets_sent;
    /**
     * Packets that were received.
     */
    uint64_t packets_received;
    /**
     * Bytes that were handed to the system.
     */
    uint64_t bytes_sent;
    /**
     * Bytes that were taken from the system.
     */
    uint64_t bytes_received;
    /**
     * System calls that sent.
     */
    uint64_t send_calls;
    /**
     * System calls that received.
     */
    uint64_t recv_calls;
} en_stats_t;

/**
 * Receives up to `capacity` bytes (at least one) into `buffer` without waiting, and says how many in
 * `*count`, which is 0 when the call begins: 0 is the end of the stream. Of datagrams it receives
 * one, whole; `*count` 0 is an empty one, and one that does not fit is `EN_EMSGSIZE`. Answers
 * `EN_CALLBACK_DONE`; or `EN_WANT_READ` or `EN_WANT_WRITE` if it would have to wait; or
 * `EN_EBADMSG`, `EN_EMSGSIZE`, a code of the application's own (`EN_EUSER_BASE` and below), or one
 * that says that the connection is over (`en_error_is_connection`). A count above `capacity` is
 * `EN_EINVAL`.
 */
typedef int (*en_transport_recv_t)(void *buffer, size_t capacity, size_t *count, void *user_data);

/**
 * Sends as many as go of the bytes in the `slice_count` slices, at least one, without waiting, and
 * says how many in `*count`, which is 0 when the call begins. The slices of a datagram are one
 * datagram, which goes whole or not at all. Answers as `en_transport_recv_t` does; counts that
 * cannot be are `EN_EINVAL`. After `EN_WANT_READ` or `EN_WANT_WRITE` nothing has been sent.
 */
typedef int (*en_transport_send_t)(const en_slice_t *slices,
                                   size_t slice_count,
                                   size_t *count,
                                   void *user_data);

/**
 * As `en_transport_recv_t`, with ancillary data: control messages as recvmsg(2) writes them go to
 * `control`, where there is room for `*control_size` bytes; `*control_size` becomes how many there
 * are (it must be set), and `*is_truncated` 1 if some did not fit. Descriptors in them are the
 * library's from then on, whatever the callback answers.
 */
typedef int (*en_transport_recv_with_ancillary_t)(void *buffer,
                                                  size_t capacity,
                                                  void *control,
                                                  size_t *control_size,
                                                  int *is_truncated,
                                                  size_t *count,
                                                  void *user_data);

/**
 * As `en_transport_send_t`, with ancillary data: `control_size` bytes of control messages at
 * `control`, as sendmsg(2) takes them, that go with the first byte.
 */
typedef int (*en_transport_send_with_ancillary_t)(const en_slice_t *slices,
                                                  size_t slice_count,
                                                  const void *control,
                                                  size_t control_size,
                                                  size_t *count,
                                                  void *user_data);

/**
 * Sends the end of the stream; answers as `en_transport_recv_t` does.
 */
typedef int (*en_transport_send_eof_t)(void *user_data);

/**
 * Closes the transport; answers `EN_CALLBACK_DONE` or a code as `en_transport_recv_t` does. It is
 * called once: when the transport is closed, or has no holder any more, and no `recv` or `send` is
 * running. A call that waits may still poll the descriptor for as long as a retry interval.
 */
typedef int (*en_transport_close_t)(void *user_data);

/**
 * The descriptor to poll for what `interest` says, `EN_INTEREST_READ` or `EN_INTEREST_WRITE`; a
 * negative number if there is none: then calls that wait look again after each retry interval. It stays
 * open until `close` is called.
 */
typedef int (*en_transport_fd_t)(int interest, void *user_data);

/**
 * Writes the attribute of the number `attribute` (`EN_ATTRIBUTE_...`, or from
 * `EN_ATTRIBUTE_USER_BASE` on one of the application's own) to `value`, where there is room for
 * `*size` bytes, and its size to `*size`. Answers `EN_CALLBACK_DONE`, `EN_ENODATA` if it has no
 * such attribute, or a code as `en_transport_recv_t` does.
 */
typedef int (*en_transport_attribute_t)(int attribute, void *value, size_t *size, void *user_data);

/**
 * A transport made of callbacks. `struct_size` is `sizeof(en_transport_callbacks_t)`. `recv`, `send`
 * or both are needed; all others may be NULL, and what has no callback answers `EN_EOPNOTSUPP`.
 *
 * The callbacks run inside the calls of whatever is made over the transport, in the threads of those
 * calls, and must not wait: `recv` never twice at a time, `send` and `send_eof` neither, but one of
 * each at once. They must not throw, longjmp or exit the thread. The transport, and what is made
 * over it, answers `EN_EDEADLK` or `EN_EBUSY` to them; it may be closed and freed, which takes effect
 * when they have returned.
 */
typedef struct {
    /**
     * The size of this struct, in bytes.
     */
    size_t struct_size;
    /**
     * Bytes come in.
     */
    en_transport_recv_t recv;
    /**
     * Bytes go out.
     */
    en_transport_send_t send;
    /**
     * Bytes come in with ancillary data.
     */
    en_transport_recv_with_ancillary_t recv_with_ancillary;
    /**
     * Bytes go out with ancillary data.
     */
    en_transport_send_with_ancillary_t send_with_ancillary;
    /**
     * The end goes out; not for datagrams.
     */
    en_transport_send_eof_t send_eof;
    /**
     * All is over.
     */
    en_transport_close_t close;
    /**
     * What to poll.
     */
    en_transport_fd_t fd;
    /**
     * What is known of it.
     */
    en_transport_attribute_t attribute;
} en_transport_callbacks_t;

/**
 * Attempts something of the application's own, such as several calls of `_noblock` functions, without
 * waiting. Answers `EN_CALLBACK_DONE` when it is done; `EN_WANT_READ` or `EN_WANT_WRITE` to be
 * called again when `*fd` (-1, which is no descriptor, unless set) is ready for that; or any other
 * code of a failure, such as that of a `_noblock` function, or one of the application's own
 * (`EN_EUSER_BASE` and below): it ends the call. It may call all functions of the transport.
 */
typedef int (*en_attempt_t)(int *fd, void *user_data);

/**
 * Called from the loop: `status` is `EN_OK`, or the code of what went wrong, of which
 * `en_last_error_message` tells more. `EN_ECANCELED` says that it was cut short.
 */
typedef void (*en_loop_callback_t)(int status, void *user_data);

/**
 * Called from the loop, once, when an operation is over: `status` is `EN_OK` or a negative code, of
 * which `en_last_error_message` tells more until the callback returns.
 */
typedef void (*en_async_done_t)(int status, void *user_data);

/**
 * Called from the loop, once, with a packet, or with a negative status and NULL. The packet is the
 * callee's: it is released in the end, or the struct is copied and the copy released.
 */
typedef void (*en_async_received_t)(int status, en_packet_t *packet, void *user_data);

/**
 * Called from the loop with each packet, which is the callee's to release, and answers
 * `EN_RECEIVE_MORE` or `EN_RECEIVE_STOP` (as which every other answer counts). Or, once and for the
 * last time, with a negative status and NULL. After it has answered that it has enough, or freed the
 * client, it is not called again.
 */
typedef int (*en_async_receive_t)(int status, en_packet_t *packet, void *user_data);

/**
 * Called from the loop, once, when sending several packets is over: as `en_async_done_t`, and
 * `count` of them have gone, whatever the status.
 */
typedef void (*en_async_sent_t)(int status, size_t count, void *user_data);

/**
 * Called from the loop, once, with `count` packets, or with a negative status and none. The packets
 * are the callee's: each is released in the end, or its struct is copied and the copy released.
 */
typedef void (*en_async_received_packets_t)(int status,
                                            en_packet_t *packets,
                                            size_t count,
                                            void *user_data);


/**
 * The version of the library that is loaded: major * 1000000 + minor * 1000 + patch.
 *
 * Thread-safe.
 */
uint32_t en_version_number(void);

/**
 * The version of the library that is loaded, such as "0.1.0". The text is never freed.
 *
 * Thread-safe.
 */
const char *en_version_string(void);

/**
 * What the loaded library was built with: a set of `EN_FEATURE_...` bits.
 *
 * Thread-safe.
 */
uint64_t en_features(void);

/**
 * The meaning of a code in a few words, such as "connection refused". Never NULL, never freed;
 * numbers that are no code have a general text.
 *
 * Thread-safe.
 */
const char *en_strerror(int code);

/**
 * The name of a code, such as "EN_ECONNREFUSED". Never NULL, never freed; "EN_EUSER" for the
 * application's own below `EN_EUSER_BASE`, "EN_EUNKNOWN" for numbers that are no code.
 *
 * Thread-safe.
 */
const char *en_error_name(int code);

/**
 * 1 if the code says that the connection is over or could not be had, however that came about:
 * ended by the peer, reset, truncated, refused, unreachable. 0 otherwise, also of `EN_ESHUTDOWN` (this
 * side has sent the end, and may go on receiving) and `EN_ENOTCONN` (it is yet to be connected).
 *
 * Thread-safe.
 */
int en_error_is_connection(int code);

/**
 * What the last failing call of this thread tried, with whom, at which stage, and why it failed.
 * Never NULL; empty before the first failure. Valid until the next failing call of this thread.
 * Calls that succeed, and functions that return void, leave it alone. A callback of a loop that is
 * told of a failure finds that one here, until it returns.
 *
 * Thread-safe.
 */
const char *en_last_error_message(void);

/**
 * From inside a callback that is about to return an error: why. The text (UTF-8, and copied; what
 * is not UTF-8 in it becomes U+FFFD) becomes part of the message of the call that the callback
 * fails. NULL takes it back.
 *
 * Thread-safe.
 */
void en_set_error_message(const char *message);

/**
 * Sends what the library has to say at `level` (`EN_LOG_...`) and above to `callback`; NULL or
 * `EN_LOG_OFF` turns it off. When the call returns, the callback given before is not running and
 * is not called again. One callback serves the whole process.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (no such level), `EN_EDEADLK` (from inside the callback), `EN_EBUSY` (a Rust
 * program has a logger of its own).
 */
int en_set_log_callback(int level, en_log_callback_t callback, void *user_data);

/**
 * Gives a packet back, and makes the struct empty; an empty one and NULL are nothing.
 *
 * Thread-safe, for different structs. Any thread may release.
 */
void en_packet_release(en_packet_t *packet);

/**
 * Gives `count` packets back, as `en_packet_release` does with each, in less time for all of them. Empty
 * ones among them, NULL and 0 are nothing.
 *
 * Thread-safe, for different structs. Any thread may release.
 */
void en_packets_release(en_packet_t *packets,
                        size_t count);

/**
 * Takes another hold on the same bytes: both `packet` and `*copy` are released in the end.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, or a packet that was released).
 */
int en_packet_retain(const en_packet_t *packet, en_packet_t *copy);

/**
 * Makes an address from a numeric host ("192.0.2.1", "2001:db8::1", "fe80::1%eth0", "fe80::1%2")
 * and a port. Names are not looked up.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (not numeric), `EN_ENODEV` (no interface of the name behind %).
 * See RFC 4291, RFC 4007.
 */
int en_address_new(en_address_t **out, const char *host, uint16_t port);

/**
 * Makes an address from a `struct sockaddr_in` or `struct sockaddr_in6` of `size` bytes.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (too short), `EN_EAFNOSUPPORT` (another family). See sockaddr(3type).
 */
int en_address_from_sockaddr(en_address_t **out, const void *sockaddr, size_t size);

/**
 * Writes the address as a `struct sockaddr_in` or `sockaddr_in6`. `*size` is the room at
 * `sockaddr`, and always afterwards the size needed: 16 or 28 bytes.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing written but `*size`).
 */
int en_address_to_sockaddr(const en_address_t *address, void *sockaddr, size_t *size);

/**
 * Writes the address as text with its port ("192.0.2.1:80", "[fe80::1%2]:80") and a terminator.
 * `*size` is the room at `text`, and always afterwards the size needed, terminator included;
 * `EN_ADDRESS_TEXT_SIZE` is enough for any.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing written but `*size`).
 * See RFC 5952.
 */
int en_address_to_text(const en_address_t *address, char *text, size_t *size);

/**
 * Writes the host alone as text ("192.0.2.1", "fe80::1%2"), as `en_address_to_text` does.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing written but `*size`).
 */
int en_address_host(const en_address_t *address, char *text, size_t *size);

/**
 * `EN_FAMILY_IPV4` or `EN_FAMILY_IPV6`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_address_family(const en_address_t *address);

/**
 * The port, from 0 to 65535.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_address_port(const en_address_t *address);

/**
 * The flow information of an IPv6 address; 0 for IPv4.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See RFC 3493, 3.3.
 */
int en_address_flow_info(const en_address_t *address, uint32_t *flow_info);

/**
 * The scope (interface number) of an IPv6 address; 0 for IPv4 and for none.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See RFC 4007.
 */
int en_address_scope_id(const en_address_t *address, uint32_t *scope_id);

/**
 * 1 if both are the same address, port, flow information and scope; 0 if not.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_address_equal(const en_address_t *one, const en_address_t *other);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_address_free(en_address_t *address);

/**
 * Makes the address of a path of at most 107 bytes, in whatever encoding. Nothing is looked up.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, empty), `EN_ENAMETOOLONG`. See unix(7).
 */
int en_unix_address_new_path(en_unix_address_t **out, const char *path);

/**
 * Makes the address of an abstract name of `size` bytes, at most 107, zeros included, without the
 * zero that marks it as abstract. `(NULL, 0)` is the empty name.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENAMETOOLONG`. See unix(7).
 */
int en_unix_address_new_abstract(en_unix_address_t **out, const void *name, size_t size);

/**
 * Makes the address of a socket without a name. As a local address it asks for none.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_address_new_unnamed(en_unix_address_t **out);

/**
 * Makes an address from a `struct sockaddr_un` of `size` bytes, as the system fills it: a path ends
 * at its terminator or with the bytes, an abstract name has all of them.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (too short), `EN_ENAMETOOLONG`, `EN_EAFNOSUPPORT` (another family). See
 * unix(7).
 */
int en_unix_address_from_sockaddr(en_unix_address_t **out, const void *sockaddr, size_t size);

/**
 * Writes the address as a `struct sockaddr_un`, as short as it can be. `*size` is the room at
 * `sockaddr`, and always afterwards the size needed, at most 110 bytes.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing written but `*size`).
 */
int en_unix_address_to_sockaddr(const en_unix_address_t *address, void *sockaddr, size_t *size);

/**
 * `EN_UNIX_UNNAMED`, `EN_UNIX_PATH` or `EN_UNIX_ABSTRACT`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_address_kind(const en_unix_address_t *address);

/**
 * The bytes of the name at `*data`, and their number at `*size`: of a path without a terminator, of
 * an abstract name without the zero that marks it. They are lent: they end with `address`. A name
 * without a byte is `(NULL, 0)`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_address_name(const en_unix_address_t *address, const void **data, size_t *size);

/**
 * Writes the address as UTF-8 text for people ("/run/x.sock", "@name", "(unnamed)") and a
 * terminator: what is not UTF-8 in a path becomes U+FFFD, and an abstract name is written as in a
 * C string. `*size` is the room at `text`, and always afterwards the size needed, terminator
 * included; `EN_UNIX_ADDRESS_TEXT_SIZE` is enough for any.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing written but `*size`).
 */
int en_unix_address_to_text(const en_unix_address_t *address, char *text, size_t *size);

/**
 * 1 if both are the same name, 0 if not.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_address_equal(const en_unix_address_t *one, const en_unix_address_t *other);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_unix_address_free(en_unix_address_t *address);

/**
 * Makes an empty one.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_ancillary_new(en_ancillary_t **out);

/**
 * Forgets what is to be sent, and closes what came and was not taken.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_ancillary_clear(en_ancillary_t *ancillary);

/**
 * Adds the `count` descriptors at `fds` to be sent. They are lent, not duplicated: they stay the
 * caller's, and open until the packet is sent. The peer gets copies. Linux takes at most 253 in one message;
 * more, and ones that are not open, are found out when sending.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See unix(7), SCM_RIGHTS.
 */
int en_ancillary_add_fds(en_ancillary_t *ancillary,
                         const int *fds,
                         size_t count);

/**
 * Sets the credentials to be sent, in place of earlier ones; a `pid` of 0 is the process that
 * sends; `uid` and `gid` are its user and group. What is not true takes privileges, and is found
 * out when sending.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See unix(7), SCM_CREDENTIALS.
 */
int en_ancillary_add_creds(en_ancillary_t *ancillary, int32_t pid, uint32_t uid, uint32_t gid);

/**
 * How much room for control messages a receive needs, as `*size` in bytes, for one message with
 * `fds` descriptors and so many messages with `credentials`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See cmsg(3).
 */
int en_ancillary_space(size_t fds, size_t credentials, size_t *size);

/**
 * How many messages came with the last receive.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_ancillary_count(const en_ancillary_t *ancillary);

/**
 * What the message of this index is: `EN_ANCILLARY_...`.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (no such message).
 */
int en_ancillary_get_kind(const en_ancillary_t *ancillary, size_t index);

/**
 * The message of this index as it came: its level and type, and its bytes, which are lent until
 * the object is cleared, received into, or freed; `(NULL, 0)` if it has none. Numbers of
 * descriptors are to look at: `en_ancillary_take_fds` gives them away, and those of other messages
 * (SCM_PIDFD) end with the bytes.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (NULL, no such message). See cmsg(3).
 */
int en_ancillary_get_message(const en_ancillary_t *ancillary,
                             size_t index,
                             int *level,
                             int *type,
                             const void **data,
                             size_t *size);

/**
 * How many descriptors came and were not taken. Those for which this process had no room (`EMFILE`)
 * are lost without an error of the receive: `en_ancillary_is_truncated` tells.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_ancillary_fd_count(const en_ancillary_t *ancillary);

/**
 * Takes the descriptors that came, all of them: from now on they are the caller's, who closes them.
 * They are close-on-exec. `*count` is always set to how many there are; `capacity` says how many
 * fit at `fds`.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`, `EN_EMSGSIZE` (too little room; nothing taken).
 */
int en_ancillary_take_fds(en_ancillary_t *ancillary, int *fds, size_t capacity, size_t *count);

/**
 * The credentials that came: those of the process that sent, as the system vouches for them. They
 * come only where the client was made to receive them; of what was sent before that, and without
 * them, they are those of nobody: process 0.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`, `EN_ENODATA` (none came).
 */
int en_ancillary_get_creds(const en_ancillary_t *ancillary, en_credentials_t *credentials);

/**
 * 1 if some of what came did not fit into the room for control messages and is lost; 0 if not.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See recvmsg(2), MSG_CTRUNC.
 */
int en_ancillary_is_truncated(const en_ancillary_t *ancillary);

/**
 * Ends the handle and closes what came and was not taken; NULL is nothing.
 *
 * One thread at a time.
 */
void en_ancillary_free(en_ancillary_t *ancillary);

/**
 * Makes a switch, not thrown.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EMFILE`, `EN_ENFILE`, `EN_ENOMEM`.
 */
int en_cancel_new(en_cancel_t **out);

/**
 * Throws the switch. Calls that wait end at once with `EN_ECANCELED`; nothing they had received
 * is lost. Those that wait by a function of the application (`en_wait_t`) look at the switch at the
 * retry interval, a second at most, unless that function waits for `en_cancel_fd`, too. May be called
 * from a signal handler, see signal-safety(7).
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_cancel_trigger(en_cancel_t *cancel);

/**
 * Puts the switch back, so that later calls work again. A call that has not seen yet that it was thrown
 * goes on: put it back when those that it was to end have returned.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_cancel_reset(en_cancel_t *cancel);

/**
 * 1 if the switch is thrown, 0 if not.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_cancel_is_triggered(const en_cancel_t *cancel);

/**
 * A descriptor that is readable while the switch is thrown, to be waited for beside others. It stays
 * the switch's, and lasts as long as the handle: it is neither read nor closed. A forked child asks for
 * it before it waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See eventfd(2).
 */
int en_cancel_fd(const en_cancel_t *cancel);

/**
 * Ends the handle; NULL is nothing. Clients and options that have the switch keep it alive.
 *
 * One thread at a time.
 */
void en_cancel_free(en_cancel_t *cancel);

/**
 * Makes a protocol of lines. `newline` is one of `EN_NEWLINE_...`. Packets come without their
 * newline, and are given without it; a packet that holds one is refused (`EN_EINVAL`) when sent.
 * A line is empty if nothing stands before its end.
 * `max_packet_size` counts bytes without the newline, 0 stands for the default; a longer line is
 * `EN_EMSGSIZE`, and receiving goes on behind it.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_protocol_new_line(en_stream_protocol_t **out, int newline, size_t max_packet_size);

/**
 * Makes a protocol of packets that each end with the same bytes. Packets come and are given
 * without the delimiter; one that holds it is refused (`EN_EINVAL`) when sent. `delimiter` has
 * from 1 to 65536 bytes, and is copied.
 * `max_packet_size` counts bytes without the delimiter, 0 stands for the default; a longer packet
 * is `EN_EMSGSIZE`, and receiving goes on behind its delimiter.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_protocol_new_delimited(en_stream_protocol_t **out,
                                     const void *delimiter,
                                     size_t delimiter_size,
                                     size_t max_packet_size);

/**
 * Makes a protocol of packets that each begin with their length. `length` is one of
 * `EN_LENGTH_...`, `byte_order` is `EN_BIG_ENDIAN` or `EN_LITTLE_ENDIAN` (ignored for a varint and
 * one byte). If `includes_length` is not 0, the length on the wire counts its own bytes too.
 * Packets come and are given without the length.
 * `max_packet_size` counts bytes without the length, 0 stands for the default; a length above it
 * is `EN_EMSGSIZE`, one that cannot be (smaller than itself, a varint of more than ten bytes) is
 * `EN_EBADMSG`, and as nobody can know where the next packet begins, every later receive answers
 * the same.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_protocol_new_length_prefixed(en_stream_protocol_t **out,
                                           int length,
                                           int byte_order,
                                           int includes_length,
                                           size_t max_packet_size);

/**
 * Makes a protocol of packets that all have the same size, in bytes, from 1 to the largest maximum
 * (`EN_MAX_PACKET_SIZE_DEFAULT`). Sending a packet of another size is `EN_EINVAL`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_protocol_new_fixed(en_stream_protocol_t **out, size_t packet_size);

/**
 * Makes a protocol of JSON texts: a packet is one complete text (object, array, string, number,
 * true, false or null), without the white space around it. What is sent is not checked, and gets
 * a newline at its end, because a bare number would never end otherwise; texts are received with
 * or without. Receiving looks as close as is needed to find where a text ends: brackets that do
 * not match, control characters in strings, bytes that cannot begin a text, and words and numbers
 * that are none are `EN_EBADMSG`, and the bytes up to the next newline are skipped. Nesting may be
 * 1024 deep.
 * `max_packet_size` in bytes, 0 stands for the default; a longer text is `EN_EMSGSIZE`, and
 * receiving goes on behind it.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See RFC 8259.
 */
int en_stream_protocol_new_json(en_stream_protocol_t **out, size_t max_packet_size);

/**
 * Makes a protocol without packets: bytes go out as they are given, and come as they arrive, at
 * least one and at most `max_packet_size` (0 stands for the default) at a time.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_protocol_new_raw(en_stream_protocol_t **out, size_t max_packet_size);

/**
 * Ends the handle; NULL is nothing. Clients that have the protocol keep it alive.
 *
 * One thread at a time.
 */
void en_stream_protocol_free(en_stream_protocol_t *protocol);

/**
 * Appends a copy of `size` bytes.
 *
 * Thread of the `encode` callback only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_frame_append(en_frame_t *frame, const void *data, size_t size);

/**
 * Appends `size` bytes without copying them: they must stay as they are until the call that sends
 * the packet has returned. Meant for the parts of the packet itself, and for constants.
 *
 * Thread of the `encode` callback only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_frame_append_borrowed(en_frame_t *frame, const void *data, size_t size);

/**
 * Makes a protocol of callbacks. The struct is copied. `max_packet_size` is the largest packet that is
 * received (0 stands for the default): a larger one is `EN_EMSGSIZE`, and receiving goes on behind it.
 * No more bytes may gather without a packet either: beyond that every later receive answers
 * `EN_EMSGSIZE`, too. `destroy` (may be NULL) is called once with
 * `user_data` when the handle and all its clients are gone; not if this call fails.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_protocol_new(en_stream_protocol_t **out,
                           const en_stream_protocol_callbacks_t *callbacks,
                           size_t max_packet_size,
                           en_destroy_t destroy,
                           void *user_data);

/**
 * Makes a protocol of callbacks that lends the receive buffer; otherwise as
 * `en_stream_protocol_new`. The size of the buffers is the limit of what may gather without a
 * packet. If a buffer is full without a packet and the next one is no larger, the receive answers
 * `EN_EMSGSIZE` and nothing is lost: a later one that is lent a larger buffer goes on.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_protocol_new_buffered(en_stream_protocol_t **out,
                                    const en_buffered_protocol_callbacks_t *callbacks,
                                    en_destroy_t destroy,
                                    void *user_data);

/**
 * Makes the protocol whose packets are the datagrams as they are. `max_packet_size` is the largest
 * packet, sent or received; 0 stands for the default.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_datagram_protocol_new_raw(en_datagram_protocol_t **out, size_t max_packet_size);

/**
 * Makes a protocol of callbacks. The struct is copied. `max_packet_size` is the largest packet,
 * given to `make_datagram` or built by `build_packet` (0 stands for the default); beyond it a call
 * answers `EN_EMSGSIZE`. `destroy` (may be NULL) is called once with `user_data` when the handle and
 * all its clients are gone; not if this call fails.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_datagram_protocol_new(en_datagram_protocol_t **out,
                             const en_datagram_protocol_callbacks_t *callbacks,
                             size_t max_packet_size,
                             en_destroy_t destroy,
                             void *user_data);

/**
 * Ends the handle; NULL is nothing. Clients that were made with it keep what they need.
 *
 * One thread at a time.
 */
void en_datagram_protocol_free(en_datagram_protocol_t *protocol);

/**
 * Sends one packet of `size` bytes; see the function of the same name of the client's family.
 *
 * Thread-safe.
 *
 * Errors: those of the family's function.
 */
int en_client_send_packet(en_client_t *client, const void *data, size_t size, int64_t timeout_ms);

/**
 * Receives one packet, the caller's to release; see the function of the same name of the client's
 * family.
 *
 * Thread-safe.
 *
 * Errors: those of the family's function.
 */
int en_client_recv_packet(en_client_t *client, int64_t timeout_ms, en_packet_t *packet);

/**
 * Receives packet after packet within one budget of time; see the function of the same name of
 * the client's family.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_client_iter_received_packets(en_packet_iter_t **out,
                                    en_client_t *client,
                                    int64_t timeout_ms);

/**
 * Closes the client; see the function of the same name of the client's family.
 *
 * Thread-safe.
 *
 * Errors: those of the family's function.
 */
int en_client_close(en_client_t *client);

/**
 * 1 if the client is closed, 0 if not. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_client_is_closed(const en_client_t *client);

/**
 * The descriptor, to poll; -1 if the client is closed or NULL. It stays the client's. Never waits.
 *
 * Thread-safe.
 */
int en_client_fileno(const en_client_t *client);

/**
 * Waits for the next packet, for as long as is left of the budget; the time between calls does not
 * count. `*packet` is the caller's to release.
 *
 * One thread at a time.
 *
 * Errors: those of `en_client_recv_packet`; `EN_ETIMEDOUT` when the budget is spent. After
 * `EN_EBADMSG`, `EN_EMSGSIZE` and the codes of callbacks the next call goes on, where the protocol
 * can tell behind which bytes: lines, delimiters, JSON, callbacks, datagrams. After a length that
 * cannot be or is above the maximum (`en_stream_protocol_new_length_prefixed`) each call answers
 * the same code at once, as after the end of the stream: a loop that goes on after these codes must
 * end some time.
 */
int en_packet_iter_next(en_packet_iter_t *iter, en_packet_t *packet);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_packet_iter_free(en_packet_iter_t *iter);

/**
 * Makes options with every default.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EOPNOTSUPP` (this easynet was built without TLS; see `en_features`).
 */
int en_tls_options_new(en_tls_options_t **out);

/**
 * Trusts the authorities whose certificates are in the PEM file at `path`, in place of those of the
 * system. A server needs them, or pins, to ask clients for certificates
 * (`en_tls_options_set_client_auth`). May be called again for more.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (what is in the file is not of use; the message says why), `EN_ENOENT`,
 * `EN_EACCES` and whatever else the system says of a file.
 */
int en_tls_options_add_ca_file(en_tls_options_t *options, const char *path);

/**
 * As `en_tls_options_add_ca_file`, from `size` bytes of PEM in memory.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (what is there is not of use; the message says why).
 */
int en_tls_options_add_ca_pem(en_tls_options_t *options, const void *data, size_t size);

/**
 * Trusts the authorities whose certificates are in the PEM file at `path`, beside those of the system.
 * For clients only.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (what is in the file is not of use; the message says why), `EN_ENOENT`,
 * `EN_EACCES` and whatever else the system says of a file.
 */
int en_tls_options_add_extra_roots_file(en_tls_options_t *options,
                                        const char *path);

/**
 * As `en_tls_options_add_extra_roots_file`, from `size` bytes of PEM in memory.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (what is there is not of use; the message says why).
 */
int en_tls_options_add_extra_roots_pem(en_tls_options_t *options, const void *data, size_t size);

/**
 * Accepts a peer that shows one of the certificates in the PEM file at `path` and has its key: the way
 * to trust a certificate that is signed by itself. Pins alone take the place of everything else: no
 * chain, no dates and no name are looked at. Along with authorities (`en_tls_options_add_ca_file`) both
 * must hold, the pin and the chain. Several pins are alternatives.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (what is in the file is not of use; the message says why), `EN_ENOENT`,
 * `EN_EACCES` and whatever else the system says of a file.
 */
int en_tls_options_add_pinned_certificate_file(en_tls_options_t *options,
                                               const char *path);

/**
 * As `en_tls_options_add_pinned_certificate_file`, from `size` bytes of PEM in memory.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (what is there is not of use; the message says why).
 */
int en_tls_options_add_pinned_certificate_pem(en_tls_options_t *options,
                                              const void *data,
                                              size_t size);

/**
 * Accepts a peer whose public key has this SHA-256: `digest` is `size` bytes, 32, the hash of the DER
 * SubjectPublicKeyInfo, as HPKP and curl have it (theirs is in base64). A peer may then renew its
 * certificate as long as it keeps its key. Otherwise as `en_tls_options_add_pinned_certificate_file`.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (not 32 bytes). See RFC 7469, 2.4.
 */
int en_tls_options_add_pinned_public_key_sha256(en_tls_options_t *options,
                                                const void *digest,
                                                size_t size);

/**
 * Who this side is: the PEM file at `chain_path` has its certificate and, behind it, those of the
 * authorities up to the root, which may be left out; the one at `key_path` has the key, as PKCS#8,
 * PKCS#1 or SEC1, not encrypted. Both may be in one file. Servers must have this; clients show it if
 * asked.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (what is in the files is not of use, or the key is not that of the
 * certificate; the message says why), `EN_ENOENT`, `EN_EACCES` and whatever else the system says of a
 * file.
 */
int en_tls_options_set_identity_files(en_tls_options_t *options,
                                      const char *chain_path,
                                      const char *key_path);

/**
 * As `en_tls_options_set_identity_files`, from memory: `chain` is `chain_size` bytes of PEM, `key` is
 * `key_size` bytes.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (what is there is not of use; the message says why).
 */
int en_tls_options_set_identity_pem(en_tls_options_t *options,
                                    const void *chain,
                                    size_t chain_size,
                                    const void *key,
                                    size_t key_size);

/**
 * Offers an application protocol (ALPN), such as "h2": `protocol` is `size` bytes, from 1 to 255. Those
 * added first are preferred. A server with some turns away a client that offers others only; one that
 * offers none is let in.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See RFC 7301.
 */
int en_tls_options_add_alpn(en_tls_options_t *options,
                            const void *protocol,
                            size_t size);

/**
 * Which versions of TLS are spoken, from `least` to `most`: `EN_TLS_1_2` or `EN_TLS_1_3`. Default: both.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tls_options_set_versions(en_tls_options_t *options,
                                int least,
                                int most);

/**
 * The `name` that a client asks for in the open (SNI), so that a server with many knows which is meant.
 * NULL, the default: the dialled host, if it is a name and no address. "": none is asked for. What is
 * verified does not change.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See RFC 6066, 3.
 */
int en_tls_options_set_sni(en_tls_options_t *options,
                           const char *name);

/**
 * The `name`, or IP address, that the certificate of a server must have, whatever is dialled. NULL, the
 * default: the dialled host.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See RFC 9525.
 */
int en_tls_options_set_verified_name(en_tls_options_t *options,
                                     const char *name);

/**
 * 1: a client takes any name in a server's certificate. Whoever has a certificate of a trusted authority
 * for any name can then pose as the server, so use this with authorities of your own only. The rest is
 * verified. No sessions are resumed. Default 0.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tls_options_set_dangerous_no_name_check(en_tls_options_t *options,
                                               int no_name_check);

/**
 * 1: any certificate will do. The connection is encrypted, but anybody may be at the other end, reading
 * and changing everything: never for more than a test. To trust a certificate that is signed by itself,
 * pin it (`en_tls_options_add_pinned_certificate_file`). Default 0.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tls_options_set_dangerous_no_verification(en_tls_options_t *options,
                                                 int no_verification);

/**
 * Refuses certificates that are on a revocation list in the PEM file at `path`. Each certificate of a
 * chain but the root is looked up, so there should be a list of each authority; see
 * `en_tls_options_set_unknown_revocation`. Lists are not fetched.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (what is in the file is not of use; the message says why), `EN_ENOENT`,
 * `EN_EACCES` and whatever else the system says of a file.
 */
int en_tls_options_add_crl_file(en_tls_options_t *options,
                                const char *path);

/**
 * As `en_tls_options_add_crl_file`, from `size` bytes of PEM in memory.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (what is there is not of use; the message says why).
 */
int en_tls_options_add_crl_pem(en_tls_options_t *options, const void *data, size_t size);

/**
 * What to do, where there are revocation lists, with a certificate that none of them covers, or only one
 * that is out of date: `EN_TLS_UNKNOWN_REVOCATION_REFUSE`, the default, or
 * `EN_TLS_UNKNOWN_REVOCATION_ACCEPT`. Without any list nothing is looked up.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tls_options_set_unknown_revocation(en_tls_options_t *options,
                                          int unknown_revocation);

/**
 * Of how many peers sessions are remembered, in memory, so that the next handshake with one is shorter:
 * `peers` may be 0 (none) to 1048576, default 256. They are those of one configuration, and each dialled
 * name has its own. A peer whose name is not verified has none, unless it proves itself by a pin.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See RFC 8446, 2.2.
 */
int en_tls_options_set_session_cache(en_tls_options_t *options,
                                     size_t peers);

/**
 * 1: the keys of all connections are appended to the file that the environment variable `SSLKEYLOGFILE`
 * names when the configuration is made, so that Wireshark can read along; nothing if there is none.
 * Whoever has that file can read everything; a new one is its owner's alone. Default 0.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tls_options_set_key_log(en_tls_options_t *options,
                               int key_log);

/**
 * Whether a server asks its clients for certificates: `client_auth` is `EN_TLS_CLIENT_AUTH_NONE`,
 * the default, `EN_TLS_CLIENT_AUTH_OPTIONAL` (whoever shows one must show a good one) or
 * `EN_TLS_CLIENT_AUTH_REQUIRED`. Whose certificates are good must be said, by authorities or pins.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tls_options_set_client_auth(en_tls_options_t *options, int client_auth);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_tls_options_free(en_tls_options_t *options);

/**
 * Makes a configuration for those who connect. NULL for `options` stands for the defaults: peers must
 * have a certificate for the dialled host from an authority that the system trusts.
 *
 * The system's trusted certificates are read once, here: from the file `SSL_CERT_FILE` and the
 * directories `SSL_CERT_DIR` (colons between them) if the environment has either, otherwise from where
 * the distributions keep them, such as /etc/ssl/certs.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (options that contradict each other), `EN_ETLS_NO_TRUST` (the system has no
 * trusted certificates; the message says where they were looked for), `EN_EMFILE` and `EN_ENFILE` (no
 * descriptor was left to read them), `EN_EOPNOTSUPP` (this easynet was built without TLS), and what the
 * system says of the file `SSLKEYLOGFILE`.
 */
int en_tls_config_new_client(en_tls_config_t **out,
                             const en_tls_options_t *options);

/**
 * Makes a configuration for those who are connected to. `options` must have an identity, and may
 * have authorities, pins and revocation lists only if clients are asked for certificates
 * (`en_tls_options_set_client_auth`).
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (options that contradict each other, or no identity), `EN_EOPNOTSUPP` (this
 * easynet was built without TLS), and what the system says of the file `SSLKEYLOGFILE`.
 */
int en_tls_config_new_server(en_tls_config_t **out, const en_tls_options_t *options);

/**
 * Ends the handle; NULL is nothing. Clients that use the configuration keep it alive.
 *
 * One thread at a time.
 */
void en_tls_config_free(en_tls_config_t *config);

/**
 * The version: `EN_TLS_1_2` or `EN_TLS_1_3`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tls_info_version(const en_tls_info_t *info);

/**
 * The name of the cipher suite, as IANA has it, such as "TLS_AES_128_GCM_SHA256". It is lent, and ends
 * with `info`; NULL for NULL.
 *
 * Thread-safe.
 */
const char *en_tls_info_cipher_suite(const en_tls_info_t *info);

/**
 * The application protocol that was agreed on: `*data` and `*size` are lent, and end with `info`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENODATA` (none was). See RFC 7301.
 */
int en_tls_info_alpn(const en_tls_info_t *info, const void **data, size_t *size);

/**
 * One of the peer's certificates, in DER: its own has the `index` 0, those of authorities follow.
 * `*data` and `*size` are lent, and end with `info`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENODATA` (the peer has not shown so many).
 */
int en_tls_info_peer_certificate(const en_tls_info_t *info,
                                 size_t index,
                                 const void **data,
                                 size_t *size);

/**
 * The name that the peer's certificate was found to have; NULL if none was asked for, and for NULL. It
 * is lent, and ends with `info`.
 *
 * Thread-safe.
 */
const char *en_tls_info_verified_name(const en_tls_info_t *info);

/**
 * 1 if an earlier session was resumed, 0 if not.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tls_info_is_resumed(const en_tls_info_t *info);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_tls_info_free(en_tls_info_t *info);

/**
 * Makes options with every default.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_new(en_tcp_options_t **out);

/**
 * The address to connect from: a numeric host or a name that this machine knows, and a port, 0
 * for any. NULL for `host` with a port stands for any address. Addresses of the peer whose family
 * the local address does not have are skipped. Default: the system chooses.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_set_local_address(en_tcp_options_t *options, const char *host, uint16_t port);

/**
 * How long connecting may take, in milliseconds: name resolution, all addresses, and over TLS the
 * handshake, also over a given descriptor. Negative: for ever, which is the default; 0: what does
 * not connect at once fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_set_connect_timeout(en_tcp_options_t *options, int64_t timeout_ms);

/**
 * How long one address is tried before the next one is tried beside it, in milliseconds; default
 * 250. Negative: the next one only when this one has failed.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See RFC 8305, 5.
 */
int en_tcp_options_set_happy_eyeballs_delay(en_tcp_options_t *options, int64_t delay_ms);

/**
 * Makes the client speak TLS as `config` says; the client keeps it alive. NULL takes it away.
 *
 * `server_name` (copied) is the peer's name: a host name or an IP address that its certificate must
 * have, and that it is asked for. NULL stands for the host that is dialled; where none is (a given
 * descriptor, resolved addresses) there must be one. The empty string switches the name check off,
 * and what needs a name: the peer is asked for none, and sessions are not resumed. The certificate
 * must still be one that `config` trusts. Names that `config` has of its own win. With a server's
 * configuration, which only given descriptors can have, `server_name` must be NULL.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`; a name that is none, and what does not go together, is told when the client
 * is made, before its socket is looked at. See RFC 8446.
 */
int en_tcp_options_set_tls(en_tcp_options_t *options,
                           const en_tls_config_t *config,
                           const char *server_name);

/**
 * How long the TLS handshake may take, in milliseconds; default 60000. Negative: for ever. The
 * connect time-out counts, too, and whichever ends first.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`; without TLS, when the client is made.
 */
int en_tcp_options_set_handshake_timeout(en_tcp_options_t *options, int64_t timeout_ms);

/**
 * Whether the end of TLS (close_notify) must be said, and heard: 1, the default, or 0.
 *
 * With it, closing says the end and waits for the peer's, for at most the shutdown time-out (it does
 * not wait if another thread had to be woken out of a receive, or is stuck in a send); and a
 * connection that ends without the peer's is `EN_ETLS_TRUNCATED`, after all that has come. Without
 * it, a stream that somebody cuts looks complete.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`; without TLS, when the client is made. See RFC 8446, 6.1.
 */
int en_tcp_options_set_standard_compatible(en_tcp_options_t *options,
                                           int standard_compatible);

/**
 * How many bytes each receive asks the system for, from 1 to 1073741824. 0 stands for the default:
 * 16384 at first, more while receives are filled.
 *
 * Over TLS the system is asked for up to 65536 encrypted bytes at once, whatever this says; it is
 * then how many decrypted ones a receive takes at most.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_set_max_recv_size(en_tcp_options_t *options, size_t size);

/**
 * The largest packet that this client receives, in bytes: the smaller of this and the protocol's
 * own maximum counts. 0 stands for the default, the protocol's own.
 * Memory that a protocol lends (`en_stream_protocol_new_buffered`) has no other limit than its size.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_set_max_packet_size(en_tcp_options_t *options,
                                       size_t size);

/**
 * Gathers packets in a buffer of `size` bytes (up to 1073741824; 0, the default, is none) instead
 * of sending each at once. They go out when the buffer is full, by flushing, by sending the end of
 * the stream, by closing, and when a receive on the client is about to wait; on a loop with each of
 * its turns.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_set_write_buffer(en_tcp_options_t *options, size_t size);

/**
 * How long closing may take to bring out what is still to send, and over TLS to hear the peer's
 * end, in milliseconds; default 30000, negative for ever.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_set_shutdown_timeout(en_tcp_options_t *options, int64_t timeout_ms);

/**
 * Lets a receive look again and again for so many microseconds before it sleeps: less latency for
 * a processor kept busy. At most 1000000; 0, the default, is not at all.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_set_busy_poll(en_tcp_options_t *options, uint32_t microseconds);

/**
 * When the system asks a silent peer whether it is still there: after `idle_s` seconds, then
 * every `interval_s` seconds, and gives up after `count` times. 0 leaves one as the system has it.
 * Keepalive itself is always on. Where the system refuses these, no client is made.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (above 32767 seconds or 127 times). See tcp(7), RFC 1122 4.2.3.6.
 */
int en_tcp_options_set_keepalive(en_tcp_options_t *options,
                                 uint32_t idle_s,
                                 uint32_t interval_s,
                                 uint32_t count);

/**
 * How long sent data may stay without an answer before the system declares the connection dead
 * (`EN_ECONNTIMEDOUT`), in milliseconds; 0, the default, leaves it to the system. Where the system
 * refuses it, no client is made.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (above 2147483647). See tcp(7), RFC 5482.
 */
int en_tcp_options_set_user_timeout(en_tcp_options_t *options, uint32_t timeout_ms);

/**
 * Gives the client a switch that ends its calls with `EN_ECANCELED`, connecting included. The
 * client keeps it alive. NULL takes it away.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_set_cancel(en_tcp_options_t *options, en_cancel_t *cancel);

/**
 * Makes calls ask `interrupted` whether to go on: before they wait, every `interval_ms` milliseconds
 * (from 1 on) while they do, and after each signal. This is how a binding looks for Ctrl-C. `destroy`
 * (may be NULL) is called once with `user_data` when options and clients are gone; not if this call
 * fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_set_retry_interval(en_tcp_options_t *options,
                                      int64_t interval_ms,
                                      en_interrupt_t interrupted,
                                      en_destroy_t destroy,
                                      void *user_data);

/**
 * Makes `wait` wait in place of poll(2) wherever a call of the client has to wait for a
 * descriptor, connecting included. `destroy` (may be NULL) is called once with `user_data` when
 * options and clients are gone; not if this call fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_options_set_wait(en_tcp_options_t *options,
                            en_wait_t wait,
                            en_destroy_t destroy,
                            void *user_data);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_tcp_options_free(en_tcp_options_t *options);

/**
 * Connects to `host`, a name or a numeric address, at `port`. The addresses of a name are tried as
 * RFC 8305 says: families in turn, the next attempt beside one that takes its time. A name server
 * that leaves the question for IPv6 unanswered holds nobody up: after half a second the addresses of
 * IPv4 are asked for alone and tried, and others join them when they become known. Protocol and
 * options (NULL: all defaults) stay the caller's and may be freed when the call returns.
 *
 * The connect time-out of the options covers everything, name resolution included. When all
 * addresses fail, the code is that of the attempt that says most, and the message names each.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EAI_...` (the name), `EN_ENODEV` (no interface of the name behind
 * %), `EN_ECONNREFUSED`, `EN_ECONNRESET` (accepted, and reset at once), `EN_ENETUNREACH`,
 * `EN_EHOSTUNREACH`, `EN_ECONNTIMEDOUT` (the system gave up), `EN_ETIMEDOUT` (the connect time-out
 * passed), `EN_EADDRINUSE`, `EN_EADDRNOTAVAIL`,
 * `EN_EAFNOSUPPORT` (no address matches the local one), `EN_ECANCELED`, `EN_EMFILE`,
 * `EN_ENFILE`, `EN_EACCES`, codes of callbacks; over TLS those of
 * `en_stream_transport_handshake`. See connect(2), getaddrinfo(3).
 */
int en_tcp_client_connect(en_tcp_client_t **out,
                          const char *host,
                          uint16_t port,
                          const en_stream_protocol_t *protocol,
                          const en_tcp_options_t *options);

/**
 * Connects to the first of `count` addresses that answers; otherwise as `en_tcp_client_connect`.
 * For programs that look names up themselves.
 *
 * Thread-safe.
 *
 * Errors: those of `en_tcp_client_connect`, without `EN_EAI_...`.
 */
int en_tcp_client_connect_addresses(en_tcp_client_t **out,
                                    const en_address_t *const *addresses,
                                    size_t count,
                                    const en_stream_protocol_t *protocol,
                                    const en_tcp_options_t *options);

/**
 * Makes a client of a connected TCP socket. From success on the descriptor is the library's; after
 * a failure it is still the caller's. O_NONBLOCK is left as it is. Options that only connecting
 * needs are ignored.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE` (not a stream socket),
 * `EN_EAFNOSUPPORT` (neither IPv4 nor IPv6), `EN_ENOTCONN`, codes of callbacks; over TLS those
 * of `en_stream_transport_handshake`.
 */
int en_tcp_client_from_fd(en_tcp_client_t **out,
                          int fd,
                          const en_stream_protocol_t *protocol,
                          const en_tcp_options_t *options);

/**
 * The client through what all blocking clients have in common: borrowed, it ends with `client`.
 * NULL for NULL.
 *
 * Thread-safe.
 */
en_client_t *en_tcp_client_as_client(en_tcp_client_t *client);

/**
 * Sends one packet of `size` bytes. `(NULL, 0)` is an empty packet.
 *
 * After `EN_ETIMEDOUT` and `EN_ECANCELED` without a byte sent, the client is as before. If part of
 * the packet had gone out, the sending direction is broken: later sends answer `EN_EPIPE`, and the
 * message says why; receiving still works.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large
 * for the protocol), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ESHUTDOWN`, `EN_EPIPE`,
 * `EN_ECONNRESET`, `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_ECANCELED`,
 * `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2).
 */
int en_tcp_client_send_packet(en_tcp_client_t *client,
                              const void *data,
                              size_t size,
                              int64_t timeout_ms);

/**
 * Sends one packet that lies in `count` parts, without putting them together first.
 *
 * Thread-safe.
 *
 * Errors: those of `en_tcp_client_send_packet`.
 */
int en_tcp_client_send_packet_slices(en_tcp_client_t *client,
                                     const en_slice_t *parts,
                                     size_t count,
                                     int64_t timeout_ms);

/**
 * Sends `count` packets, in as few system calls as possible. `*sent` is always set: how many whole
 * packets went out (or into the write buffer).
 *
 * Thread-safe.
 *
 * Errors: those of `en_tcp_client_send_packet`, of the first packet that did not go.
 */
int en_tcp_client_send_packets(en_tcp_client_t *client,
                               const en_slice_t *packets,
                               size_t count,
                               int64_t timeout_ms,
                               size_t *sent);

/**
 * Sends what is in the write buffer. What does not go within the time-out stays in it.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_EPIPE`, `EN_ECONNRESET`,
 * `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_ECANCELED`,
 * `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_tcp_client_flush(en_tcp_client_t *client, int64_t timeout_ms);

/**
 * Sends what is in the write buffer, and then the end of the stream: the peer receives what was
 * sent and then the end. Receiving goes on. A second time, and on a closed client or one whose
 * connection is down, it does nothing, unless something in the write buffer is lost with it.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EOPNOTSUPP` (TLS), `EN_ETIMEDOUT`, `EN_ECANCELED`, `EN_EDEADLK`,
 * `EN_EFORKED`, and those of `en_tcp_client_flush` if there is something in the write buffer.
 * See shutdown(2).
 */
int en_tcp_client_send_eof(en_tcp_client_t *client, int64_t timeout_ms);

/**
 * Receives one packet, which is the caller's to release. What is buffered comes first, without a
 * system call. A time-out loses nothing of what has arrived.
 *
 * After the end of the stream every receive answers the same code; sending may still work. After
 * bytes that are no packet the next receive goes on behind them, where the protocol can tell where
 * that is: lines, delimiters, JSON, callbacks. After a length that cannot be or is above the
 * maximum, every receive answers the same code.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNABORTED` (the peer ended the stream),
 * `EN_ETRUNCATED` (in the middle of a packet), `EN_ECONNRESET`, `EN_ECONNTIMEDOUT`,
 * `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_EBADMSG` (no packet), `EN_EMSGSIZE` (above the
 * maximum), `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See
 * recv(2).
 */
int en_tcp_client_recv_packet(en_tcp_client_t *client,
                              int64_t timeout_ms,
                              en_packet_t *packet);

/**
 * Receives one packet into `capacity` bytes at `buffer`. `*size` is always set: to the size of the
 * packet, also when that is larger than the buffer, and to 0 if there was no packet.
 *
 * Thread-safe.
 *
 * Errors: those of `en_tcp_client_recv_packet`; `EN_EMSGSIZE` also if the packet does not fit: it
 * waits for the next receive.
 */
int en_tcp_client_recv_packet_into(en_tcp_client_t *client,
                                   void *buffer,
                                   size_t capacity,
                                   int64_t timeout_ms,
                                   size_t *size);

/**
 * Receives at least one and at most `capacity` packets: waits for the first as
 * `en_tcp_client_recv_packet` does, and takes those that are there with it. `*count` is always
 * set; so many packets are the caller's to release. An error behind the first packet is reported
 * by the next receive.
 *
 * Thread-safe.
 *
 * Errors: those of `en_tcp_client_recv_packet`.
 */
int en_tcp_client_recv_packets(en_tcp_client_t *client,
                               en_packet_t *packets,
                               size_t capacity,
                               int64_t timeout_ms,
                               size_t *count);

/**
 * Makes an iterator over the packets that come: `timeout_ms` is a budget for all of them together
 * (`EN_TIMEOUT_NONE` takes what is there). End it with `en_packet_iter_free`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_client_iter_received_packets(en_packet_iter_t **out,
                                        en_tcp_client_t *client,
                                        int64_t timeout_ms);

/**
 * 1 if the next receive would answer without a system call, 0 if not, or if another thread is
 * receiving. Who polls the descriptor receives until this is 0 before polling again. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_tcp_client_has_buffered(en_tcp_client_t *client);

/**
 * Closes the client: calls of other threads that wait answer `EN_ECLOSED` at once, and so do all
 * later ones. It waits for nobody, but for the write buffer to go out and, over TLS, for the peer's
 * end of it (see `en_tcp_options_set_standard_compatible`), at most the shutdown time-out. The
 * descriptor is closed when the last call has left it, and the connection ends for all who have the
 * descriptor, too. A second time it does nothing.
 *
 * As with any close(2), TCP resets the connection if input was left unread: to be sure that the
 * peer gets everything, send the end of the stream and receive to the end first.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`; `EN_ETIMEDOUT` and those of `en_tcp_client_flush` if the write buffer did
 * not go out. The client is closed in any case, but with `EN_EFORKED` (in a child that cannot use
 * it).
 */
int en_tcp_client_close(en_tcp_client_t *client);

/**
 * Closes the client at once: what is in the write buffer is lost.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_client_abort(en_tcp_client_t *client);

/**
 * 1 if the client is closed, 0 if not. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_client_is_closed(const en_tcp_client_t *client);

/**
 * Ends the handle; NULL is nothing. Closes the client if it is open, with one attempt to send what
 * is in the write buffer; wakes calls that are still inside and waits for them to leave. No call
 * may begin any more. In a callback of the same client it takes effect when that has returned.
 * Unless calls had to be woken, or TLS has said its end, who else has the descriptor, such as a
 * forked child, goes on with the connection; a child always leaves it to its parent.
 *
 * One thread at a time.
 */
void en_tcp_client_free(en_tcp_client_t *client);

/**
 * The address the client is connected from; the caller frees it. It was read when the connection
 * was made, and is there after it is closed, too. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See getsockname(2).
 */
int en_tcp_client_get_local_address(const en_tcp_client_t *client, en_address_t **address);

/**
 * The address of the peer; the caller frees it. It was read when the connection was made, and is
 * there after it is closed, too. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See getpeername(2).
 */
int en_tcp_client_get_remote_address(const en_tcp_client_t *client, en_address_t **address);

/**
 * The descriptor, to poll; -1 if the client is closed or NULL. It stays the client's: do not read,
 * write or close it. Never waits.
 *
 * Thread-safe.
 */
int en_tcp_client_fileno(const en_tcp_client_t *client);

/**
 * Reads a socket option as getsockopt(2) does. `*size` is the room at `value`, and on success the
 * size of the option. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_tcp_client_getsockopt(const en_tcp_client_t *client,
                             int level,
                             int name,
                             void *value,
                             size_t *size);

/**
 * Sets a socket option as setsockopt(2) does, from `size` bytes at `value`. SO_RCVTIMEO and
 * SO_SNDTIMEO are the library's own (`EN_EINVAL`): use the time-outs of the calls. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`.
 */
int en_tcp_client_setsockopt(en_tcp_client_t *client,
                             int level,
                             int name,
                             const void *value,
                             size_t size);

/**
 * Reads a socket option by its `EN_OPTION_...` to `*value`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (no such option), `EN_ENOPROTOOPT`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_tcp_client_get_option(const en_tcp_client_t *client, int option, int64_t *value);

/**
 * Sets a socket option by its `EN_OPTION_...`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (no such option, or a value out of its range), `EN_ENOPROTOOPT`, `EN_EPERM`,
 * `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_tcp_client_set_option(en_tcp_client_t *client, int option, int64_t value);

/**
 * How many bytes each receive asks the system for, as `*size`; when the library chooses, what it
 * has chosen last. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_tcp_client_max_recv_size(const en_tcp_client_t *client, size_t *size);

/**
 * What TLS has agreed on: `*info` is the caller's to free. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENODATA` (the client does not speak TLS), `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`.
 */
int en_tcp_client_get_tls_info(const en_tcp_client_t *client, en_tls_info_t **info);

/**
 * What the client has done so far; also after it is closed. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_tcp_client_get_stats(const en_tcp_client_t *client, en_stats_t *stats);

/**
 * Makes options with every default.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_options_new(en_udp_options_t **out);

/**
 * The address to connect from: a numeric host or a name that this machine knows, and a port, 0 for
 * any. NULL for `host` with a port stands for any address. Addresses of the peer whose family the
 * local address does not have are skipped. Default: the system chooses.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_options_set_local_address(en_udp_options_t *options, const char *host, uint16_t port);

/**
 * Which addresses of the peer to take: `EN_FAMILY_IPV4`, `EN_FAMILY_IPV6`, or
 * `EN_FAMILY_UNSPECIFIED` for both, which is the default.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_options_set_family(en_udp_options_t *options, int family);

/**
 * 1 lets several sockets have the same local address (SO_REUSEPORT); 0, the default, does not.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See socket(7).
 */
int en_udp_options_set_reuse_port(en_udp_options_t *options, int reuse_port);

/**
 * How long connecting may take, in milliseconds: the name resolution, since the rest takes no
 * time. Negative: for ever, which is the default; 0: what is not known at once fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_options_set_connect_timeout(en_udp_options_t *options, int64_t timeout_ms);

/**
 * The largest datagram that is received, in bytes, from 1 to 1073741824: a larger one is
 * `EN_EMSGSIZE`, and never cut. 0 stands for the default, 65536. The maximum packet size of the
 * protocol counts, too.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_options_set_max_datagram_size(en_udp_options_t *options, size_t size);

/**
 * 1 lets the system hand over many datagrams of equal size at once (UDP_GRO), where it can: they
 * still come out one by one. It pays where datagrams come fast, and costs a little where they do
 * not. 0 is the default. Clients that are made of a descriptor do not look at it: they go by the
 * socket.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_options_set_receive_offload(en_udp_options_t *options, int receive_offload);

/**
 * Lets a receive look again and again for so many microseconds before it sleeps: less latency for
 * a processor kept busy. At most 1000000; 0, the default, is not at all.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_options_set_busy_poll(en_udp_options_t *options, uint32_t microseconds);

/**
 * Gives the client a switch that ends its calls with `EN_ECANCELED`, connecting included. The
 * client keeps it alive. NULL takes it away.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_options_set_cancel(en_udp_options_t *options, en_cancel_t *cancel);

/**
 * Makes calls ask `interrupted` whether to go on: before they wait, every `interval_ms` milliseconds
 * (from 1 on) while they do, and after each signal. This is how a binding looks for Ctrl-C. `destroy`
 * (may be NULL) is called once with `user_data` when options and clients are gone; not if this call
 * fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_options_set_retry_interval(en_udp_options_t *options,
                                      int64_t interval_ms,
                                      en_interrupt_t interrupted,
                                      en_destroy_t destroy,
                                      void *user_data);

/**
 * Makes `wait` wait in place of poll(2) wherever a call of the client has to wait for a
 * descriptor, connecting included. `destroy` (may be NULL) is called once with `user_data` when
 * options and clients are gone; not if this call fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_options_set_wait(en_udp_options_t *options,
                            en_wait_t wait,
                            en_destroy_t destroy,
                            void *user_data);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_udp_options_free(en_udp_options_t *options);

/**
 * Makes a socket whose peer is `host`, a name or a numeric address, at `port`: the first address
 * of a name to which the system has a way. Nothing is sent, so whether somebody is there shows
 * only later. Protocol and options (NULL: all defaults) stay the caller's and may be freed when
 * the call returns.
 *
 * The connect time-out of the options covers name resolution, which goes on with IPv4 alone where the
 * question for IPv6 stays unanswered (see `en_tcp_client_connect`). When all addresses fail, the code is
 * that of the attempt that says most, and the message names each.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also the port 0), `EN_EAI_...` (the name), `EN_ENODEV` (no interface of
 * the name behind %), `EN_ENETUNREACH`, `EN_EHOSTUNREACH`, `EN_ETIMEDOUT` (the connect
 * time-out passed), `EN_EADDRINUSE`, `EN_EADDRNOTAVAIL`, `EN_EAFNOSUPPORT` (no address matches
 * the local one), `EN_ECANCELED`, `EN_EMFILE`, `EN_ENFILE`, `EN_EACCES`, codes of callbacks.
 * See connect(2), getaddrinfo(3), udp(7).
 */
int en_udp_client_connect(en_udp_client_t **out,
                          const char *host,
                          uint16_t port,
                          const en_datagram_protocol_t *protocol,
                          const en_udp_options_t *options);

/**
 * Makes a client of a connected UDP socket. From success on the descriptor is the library's; after
 * a failure it is still the caller's. O_NONBLOCK is left as it is. Options that only connecting
 * needs are ignored, and so is receive offload: UDP_GRO is as the socket has it then. Datagrams
 * that came before the socket was connected are received, too, whoever sent them: take them out
 * first if that matters.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE` (not a datagram socket),
 * `EN_EAFNOSUPPORT` (neither IPv4 nor IPv6), `EN_ENOTCONN`.
 */
int en_udp_client_from_fd(en_udp_client_t **out,
                          int fd,
                          const en_datagram_protocol_t *protocol,
                          const en_udp_options_t *options);

/**
 * The client through what all blocking clients have in common: borrowed, it ends with `client`.
 * NULL for NULL.
 *
 * Thread-safe.
 */
en_client_t *en_udp_client_as_client(en_udp_client_t *client);

/**
 * Sends one packet of `size` bytes as one datagram. `(NULL, 0)` is an empty packet.
 *
 * An error that an earlier datagram met (`EN_ECONNREFUSED` and other ICMP errors) is reported
 * once, by the next call: this datagram was not sent then, and may be sent again. The client stays
 * usable after every error but those of closing.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large for
 * the protocol or for one datagram), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ECONNREFUSED`,
 * `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_EPERM` (a firewall), `EN_ENOBUFS`, `EN_ECANCELED`,
 * `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2), udp(7).
 */
int en_udp_client_send_packet(en_udp_client_t *client,
                              const void *data,
                              size_t size,
                              int64_t timeout_ms);

/**
 * Sends one packet that lies in `count` parts, without putting them together first.
 *
 * Thread-safe.
 *
 * Errors: those of `en_udp_client_send_packet`.
 */
int en_udp_client_send_packet_slices(en_udp_client_t *client,
                                     const en_slice_t *parts,
                                     size_t count,
                                     int64_t timeout_ms);

/**
 * Sends `count` packets, a datagram each, in as few system calls as possible. `*sent` is always
 * set: how many went out. Packets of equal size are cut from one buffer by the system where it can
 * (UDP_SEGMENT).
 *
 * Thread-safe.
 *
 * Errors: those of `en_udp_client_send_packet`, of the first packet that did not go.
 */
int en_udp_client_send_packets(en_udp_client_t *client,
                               const en_slice_t *packets,
                               size_t count,
                               int64_t timeout_ms,
                               size_t *sent);

/**
 * Receives one packet, which is the caller's to release. What is buffered comes first, without a
 * system call. After an error the next receive goes on with the next datagram.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNREFUSED` and other ICMP errors (once each; the
 * client stays usable), `EN_EMSGSIZE` (a datagram above the maximum datagram size, which the
 * message names; it is gone. Or by ICMP, as the message says then: one that was sent was too large
 * for the path), `EN_EBADMSG` (no packet), `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`,
 * `EN_EFORKED`, codes of callbacks. See recv(2), udp(7).
 */
int en_udp_client_recv_packet(en_udp_client_t *client, int64_t timeout_ms, en_packet_t *packet);

/**
 * Receives one packet into `capacity` bytes at `buffer`. `*size` is always set: to the size of the
 * packet, also when that is larger than the buffer, and to 0 if there was no packet.
 *
 * Thread-safe.
 *
 * Errors: those of `en_udp_client_recv_packet`; `EN_EMSGSIZE` also if the packet does not fit: it
 * waits for the next receive.
 */
int en_udp_client_recv_packet_into(en_udp_client_t *client,
                                   void *buffer,
                                   size_t capacity,
                                   int64_t timeout_ms,
                                   size_t *size);

/**
 * Receives at least one and at most `capacity` packets: waits for the first as
 * `en_udp_client_recv_packet` does, and takes those that are there with it. `*count` is always
 * set; so many packets are the caller's to release. An error behind the first packet is reported
 * by the next receive.
 *
 * Thread-safe.
 *
 * Errors: those of `en_udp_client_recv_packet`.
 */
int en_udp_client_recv_packets(en_udp_client_t *client,
                               en_packet_t *packets,
                               size_t capacity,
                               int64_t timeout_ms,
                               size_t *count);

/**
 * Makes an iterator over the packets that come: `timeout_ms` is a budget for all of them together
 * (`EN_TIMEOUT_NONE` takes what is there). End it with `en_packet_iter_free`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_client_iter_received_packets(en_packet_iter_t **out,
                                        en_udp_client_t *client,
                                        int64_t timeout_ms);

/**
 * 1 if the next receive would answer without a system call, 0 if not, or if another thread is
 * receiving. Who polls the descriptor receives until this is 0 before polling again. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_udp_client_has_buffered(en_udp_client_t *client);

/**
 * Closes the client: calls of other threads that wait answer `EN_ECLOSED` at once, and so do all
 * later ones. It waits for nobody. The descriptor is closed when the last call has left it. A
 * second time it does nothing.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EFORKED` (in a child that cannot use it).
 */
int en_udp_client_close(en_udp_client_t *client);

/**
 * The same as `en_udp_client_close`: nothing is ever put aside.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_client_abort(en_udp_client_t *client);

/**
 * 1 if the client is closed, 0 if not. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_client_is_closed(const en_udp_client_t *client);

/**
 * Ends the handle; NULL is nothing. Closes the client if it is open; wakes calls that are still
 * inside and waits for them to leave. No call may begin any more. In a callback of the same client
 * it takes effect when that has returned. In a forked child it closes the descriptor.
 *
 * One thread at a time.
 */
void en_udp_client_free(en_udp_client_t *client);

/**
 * The address the client is connected from; the caller frees it. It was read when the client was
 * made, and is there after it is closed, too. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See getsockname(2).
 */
int en_udp_client_get_local_address(const en_udp_client_t *client, en_address_t **address);

/**
 * The address of the peer; the caller frees it. It was read when the client was made, and is there
 * after it is closed, too. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See getpeername(2).
 */
int en_udp_client_get_remote_address(const en_udp_client_t *client, en_address_t **address);

/**
 * The descriptor, to poll; -1 if the client is closed or NULL. It stays the client's: do not read,
 * write or close it. Never waits.
 *
 * Thread-safe.
 */
int en_udp_client_fileno(const en_udp_client_t *client);

/**
 * Reads a socket option as getsockopt(2) does. `*size` is the room at `value`, and on success the
 * size of the option. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_udp_client_getsockopt(const en_udp_client_t *client,
                             int level,
                             int name,
                             void *value,
                             size_t *size);

/**
 * Sets a socket option as setsockopt(2) does, from `size` bytes at `value`. The library's own
 * (`EN_EINVAL`) are SO_RCVTIMEO and SO_SNDTIMEO: use the time-outs of the calls; and UDP_GRO: use
 * `en_udp_options_set_receive_offload`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`.
 */
int en_udp_client_setsockopt(en_udp_client_t *client,
                             int level,
                             int name,
                             const void *value,
                             size_t size);

/**
 * Reads a socket option by its `EN_OPTION_...` to `*value`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (no such option), `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ECLOSED`,
 * `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_udp_client_get_option(const en_udp_client_t *client, int option, int64_t *value);

/**
 * Sets a socket option by its `EN_OPTION_...`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (no such option, or a value out of its range), `EN_ENOPROTOOPT`,
 * `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_udp_client_set_option(en_udp_client_t *client, int option, int64_t value);

/**
 * The largest datagram that this client receives, in bytes, as `*size`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_udp_client_max_recv_size(const en_udp_client_t *client, size_t *size);

/**
 * What the client has done so far; also after it is closed. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_udp_client_get_stats(const en_udp_client_t *client, en_stats_t *stats);

/**
 * Makes options with every default.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_new(en_unix_stream_options_t **out);

/**
 * The address to connect from: a path, which must not exist yet and is left there in the end, or
 * an abstract name. NULL and the unnamed address stand for none, which is the default.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_set_local_address(en_unix_stream_options_t *options,
                                             const en_unix_address_t *address);

/**
 * How long connecting may take, in milliseconds: it waits if the queue of the listener is full.
 * Negative: for ever, which is the default; 0: what does not connect at once fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_set_connect_timeout(en_unix_stream_options_t *options,
                                               int64_t timeout_ms);

/**
 * How many bytes each receive asks the system for, from 1 to 1073741824. 0 stands for the default:
 * 16384 at first, more while receives are filled.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_set_max_recv_size(en_unix_stream_options_t *options, size_t size);

/**
 * The largest packet that this client receives, in bytes: the smaller of this and the protocol's
 * own maximum counts. 0 stands for the default, the protocol's own.
 * Memory that a protocol lends (`en_stream_protocol_new_buffered`) has no other limit than its size.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_set_max_packet_size(en_unix_stream_options_t *options,
                                               size_t size);

/**
 * Gathers packets in a buffer of `size` bytes (up to 1073741824; 0, the default, is none) instead
 * of sending each at once. They go out when the buffer is full, by flushing, by sending the end of
 * the stream, by closing, and when a receive on the client is about to wait; on a loop with each of
 * its turns.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_set_write_buffer(en_unix_stream_options_t *options, size_t size);

/**
 * How long closing may take to bring out what is still to send, in milliseconds; default 30000,
 * negative for ever.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_set_shutdown_timeout(en_unix_stream_options_t *options,
                                                int64_t timeout_ms);

/**
 * Lets a receive look again and again for so many microseconds before it sleeps: less latency for
 * a processor kept busy. At most 1000000; 0, the default, is not at all.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_set_busy_poll(en_unix_stream_options_t *options, uint32_t microseconds);

/**
 * 1 makes the system send the credentials of the sending process along with what is received
 * (SO_PASSCRED), for the calls that receive ancillary data; 0 is the default. The system then
 * gives a socket without a name an abstract one.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See unix(7).
 */
int en_unix_stream_options_set_receive_credentials(en_unix_stream_options_t *options,
                                                   int receive_credentials);

/**
 * Gives the client a switch that ends its calls with `EN_ECANCELED`, connecting included. The
 * client keeps it alive. NULL takes it away.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_set_cancel(en_unix_stream_options_t *options, en_cancel_t *cancel);

/**
 * Makes calls ask `interrupted` whether to go on: before they wait, every `interval_ms` milliseconds
 * (from 1 on) while they do, and after each signal. This is how a binding looks for Ctrl-C. `destroy`
 * (may be NULL) is called once with `user_data` when options and clients are gone; not if this call
 * fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_set_retry_interval(en_unix_stream_options_t *options,
                                              int64_t interval_ms,
                                              en_interrupt_t interrupted,
                                              en_destroy_t destroy,
                                              void *user_data);

/**
 * Makes `wait` wait in place of poll(2) wherever a call of the client has to wait for a
 * descriptor, connecting included. `destroy` (may be NULL) is called once with `user_data` when
 * options and clients are gone; not if this call fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_options_set_wait(en_unix_stream_options_t *options,
                                    en_wait_t wait,
                                    en_destroy_t destroy,
                                    void *user_data);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_unix_stream_options_free(en_unix_stream_options_t *options);

/**
 * Connects to the socket that listens at `address`: a path or an abstract name. If its queue is
 * full, the call waits for room within the connect time-out. Protocol and options (NULL: all
 * defaults) stay the caller's and may be freed when the call returns.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also the unnamed address), `EN_ENOENT`, `EN_ECONNREFUSED` (nobody
 * listens), `EN_ETIMEDOUT` (the connect time-out passed), `EN_EACCES`, `EN_EPROTOTYPE` (not a
 * stream socket), `EN_EADDRINUSE` (the local address), `EN_ENOTDIR`, `EN_ELOOP`,
 * `EN_ECANCELED`, `EN_EMFILE`, `EN_ENFILE`, codes of callbacks. See connect(2), unix(7).
 */
int en_unix_stream_client_connect(en_unix_stream_client_t **out,
                                  const en_unix_address_t *address,
                                  const en_stream_protocol_t *protocol,
                                  const en_unix_stream_options_t *options);

/**
 * Connects to the socket that listens at `path`; otherwise as `en_unix_stream_client_connect`.
 *
 * Thread-safe.
 *
 * Errors: those of `en_unix_stream_client_connect`, `EN_ENAMETOOLONG` (above 107 bytes).
 */
int en_unix_stream_client_connect_path(en_unix_stream_client_t **out,
                                       const char *path,
                                       const en_stream_protocol_t *protocol,
                                       const en_unix_stream_options_t *options);

/**
 * Makes a client of a connected Unix stream socket, also of one end of a pair. From success on
 * the descriptor is the library's; after a failure it is still the caller's. O_NONBLOCK is left
 * as it is. Options that only connecting needs are ignored.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE` (not a stream socket),
 * `EN_EAFNOSUPPORT` (not a Unix socket), `EN_ENOTCONN`, codes of callbacks.
 */
int en_unix_stream_client_from_fd(en_unix_stream_client_t **out,
                                  int fd,
                                  const en_stream_protocol_t *protocol,
                                  const en_unix_stream_options_t *options);

/**
 * The client through what all blocking clients have in common: borrowed, it ends with `client`.
 * NULL for NULL.
 *
 * Thread-safe.
 */
en_client_t *en_unix_stream_client_as_client(en_unix_stream_client_t *client);

/**
 * Sends one packet of `size` bytes. `(NULL, 0)` is an empty packet.
 *
 * After `EN_ETIMEDOUT` and `EN_ECANCELED` without a byte sent, the client is as before. If part
 * of the packet had gone out, the sending direction is broken: later sends answer `EN_EPIPE`, and
 * the message says why; receiving still works.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large
 * for the protocol), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ESHUTDOWN`, `EN_EPIPE`, `EN_ECONNRESET`,
 * `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2).
 */
int en_unix_stream_client_send_packet(en_unix_stream_client_t *client,
                                      const void *data,
                                      size_t size,
                                      int64_t timeout_ms);

/**
 * Sends one packet that lies in `count` parts, without putting them together first.
 *
 * Thread-safe.
 *
 * Errors: those of `en_unix_stream_client_send_packet`.
 */
int en_unix_stream_client_send_packet_slices(en_unix_stream_client_t *client,
                                             const en_slice_t *parts,
                                             size_t count,
                                             int64_t timeout_ms);

/**
 * Sends `count` packets, in as few system calls as possible. `*sent` is always set: how many
 * whole packets went out (or into the write buffer).
 *
 * Thread-safe.
 *
 * Errors: those of `en_unix_stream_client_send_packet`, of the first packet that did not go.
 */
int en_unix_stream_client_send_packets(en_unix_stream_client_t *client,
                                       const en_slice_t *packets,
                                       size_t count,
                                       int64_t timeout_ms,
                                       size_t *sent);

/**
 * Sends what is in the write buffer. What does not go within the time-out stays in it.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_EPIPE`, `EN_ECONNRESET`, `EN_ECANCELED`,
 * `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_unix_stream_client_flush(en_unix_stream_client_t *client, int64_t timeout_ms);

/**
 * Sends what is in the write buffer, and then the end of the stream: the peer receives what was
 * sent and then the end. Receiving goes on. A second time, and on a closed client or one whose
 * connection is down, it does nothing, unless something in the write buffer is lost with it.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, and those of
 * `en_unix_stream_client_flush` if there is something in the write buffer. See shutdown(2).
 */
int en_unix_stream_client_send_eof(en_unix_stream_client_t *client, int64_t timeout_ms);

/**
 * Sends one packet of `size` bytes, and `ancillary` with it, in one system call: at once or not
 * at all. The descriptors in it stay the caller's.
 *
 * If part of a packet has gone out, the sending direction is broken, as with
 * `en_unix_stream_client_send_packet`. The write buffer is sent first.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_unix_stream_client_send_packet`; `EN_EINVAL` also for a packet without
 * a byte and for more than 253 descriptors, `EN_EMSGSIZE` (does not fit at once), `EN_EBADF`
 * (a descriptor that is not open), `EN_EPERM` (credentials of somebody else), `EN_ESRCH` (of
 * nobody), `EN_ETOOMANYREFS`. See unix(7).
 */
int en_unix_stream_client_send_packet_with_ancillary(en_unix_stream_client_t *client,
                                                     const void *data,
                                                     size_t size,
                                                     const en_ancillary_t *ancillary,
                                                     int64_t timeout_ms);

/**
 * Receives one packet, which is the caller's to release. What is buffered comes first, without a
 * system call. A time-out loses nothing of what has arrived.
 *
 * After the end of the stream every receive answers the same code; sending may still work. After
 * bytes that are no packet the next receive goes on behind them, where the protocol can tell where
 * that is: lines, delimiters, JSON, callbacks. After a length that cannot be or is above the
 * maximum, every receive answers the same code.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNABORTED` (the peer ended the stream),
 * `EN_ETRUNCATED` (in the middle of a packet), `EN_ECONNRESET`, `EN_EBADMSG` (no packet),
 * `EN_EMSGSIZE` (above the maximum), `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes
 * of callbacks. See recv(2).
 */
int en_unix_stream_client_recv_packet(en_unix_stream_client_t *client,
                                      int64_t timeout_ms,
                                      en_packet_t *packet);

/**
 * Receives one packet into `capacity` bytes at `buffer`. `*size` is always set: to the size of
 * the packet, also when that is larger than the buffer, and to 0 if there was no packet.
 *
 * Thread-safe.
 *
 * Errors: those of `en_unix_stream_client_recv_packet`; `EN_EMSGSIZE` also if the packet does not
 * fit: it waits for the next receive.
 */
int en_unix_stream_client_recv_packet_into(en_unix_stream_client_t *client,
                                           void *buffer,
                                           size_t capacity,
                                           int64_t timeout_ms,
                                           size_t *size);

/**
 * Receives at least one and at most `capacity` packets: waits for the first as
 * `en_unix_stream_client_recv_packet` does, and takes those that are there with it. `*count` is
 * always set; so many packets are the caller's to release. An error behind the first packet is
 * reported by the next receive.
 *
 * Thread-safe.
 *
 * Errors: those of `en_unix_stream_client_recv_packet`.
 */
int en_unix_stream_client_recv_packets(en_unix_stream_client_t *client,
                                       en_packet_t *packets,
                                       size_t capacity,
                                       int64_t timeout_ms,
                                       size_t *count);

/**
 * Makes an iterator over the packets that come: `timeout_ms` is a budget for all of them together
 * (`EN_TIMEOUT_NONE` takes what is there). End it with `en_packet_iter_free`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_client_iter_received_packets(en_packet_iter_t **out,
                                                en_unix_stream_client_t *client,
                                                int64_t timeout_ms);

/**
 * 1 if the next receive would answer without a system call, 0 if not, or if another thread is
 * receiving. Who polls the descriptor receives until this is 0 before polling again. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_unix_stream_client_has_buffered(en_unix_stream_client_t *client);

/**
 * Receives one packet, which is the caller's to release, and what came with it. What is buffered
 * comes first, and with nothing; otherwise this is exactly one receive from the system, with
 * `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192). That may begin with
 * packets that were sent before, and with nothing: the first of them then comes with what is not its own.
 *
 * `ancillary` is always replaced: it holds what came even if there was no packet, and nothing if
 * nothing came. What it held before, also to be sent, is forgotten, and descriptors are closed.
 * When part of a packet came, its bytes wait for a later receive.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_unix_stream_client_recv_packet`; `EN_ENOMSG` (less than a whole packet has
 * come), `EN_EINVAL` also for too much room. See unix(7).
 */
int en_unix_stream_client_recv_packet_with_ancillary(en_unix_stream_client_t *client,
                                                     size_t control_room,
                                                     int64_t timeout_ms,
                                                     en_ancillary_t *ancillary,
                                                     en_packet_t *packet);

/**
 * Closes the client: calls of other threads that wait answer `EN_ECLOSED` at once, and so do all
 * later ones. It waits for nobody, but for the write buffer to go out, at most the shutdown
 * time-out. The descriptor is closed when the last call has left it, and the connection ends for
 * all who have the descriptor, too. A second time it does nothing.
 *
 * If input was left unread, the peer is told of a reset: to be sure that it gets everything, send
 * the end of the stream and receive to the end first. A local path is left in the file system.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`; `EN_ETIMEDOUT` and those of `en_unix_stream_client_flush` if the write
 * buffer did not go out. The client is closed in any case, but with `EN_EFORKED` (in a child that
 * cannot use it).
 */
int en_unix_stream_client_close(en_unix_stream_client_t *client);

/**
 * Closes the client at once: what is in the write buffer is lost.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_client_abort(en_unix_stream_client_t *client);

/**
 * 1 if the client is closed, 0 if not. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_client_is_closed(const en_unix_stream_client_t *client);

/**
 * Ends the handle; NULL is nothing. Closes the client if it is open, with one attempt to send
 * what is in the write buffer; wakes calls that are still inside and waits for them to leave. No
 * call may begin any more. In a callback of the same client it takes effect when that has
 * returned. Unless calls had to be woken, who else has the descriptor, such as a forked child, goes
 * on with the connection; a child always leaves it to its parent.
 *
 * One thread at a time.
 */
void en_unix_stream_client_free(en_unix_stream_client_t *client);

/**
 * The name of this end; the caller frees it. It was read when the connection was made, and is
 * there after it is closed, too. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See getsockname(2).
 */
int en_unix_stream_client_get_local_name(const en_unix_stream_client_t *client,
                                         en_unix_address_t **name);

/**
 * The name of the peer; the caller frees it. It was read when the connection was made, and is
 * there after it is closed, too. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See getpeername(2).
 */
int en_unix_stream_client_get_peer_name(const en_unix_stream_client_t *client,
                                        en_unix_address_t **name);

/**
 * The process that was at the peer's end when the connection was made (that listened, connected,
 * or made the pair). Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See unix(7), SO_PEERCRED.
 */
int en_unix_stream_client_get_peer_credentials(const en_unix_stream_client_t *client,
                                               en_credentials_t *credentials);

/**
 * The descriptor, to poll; -1 if the client is closed or NULL. It stays the client's: do not
 * read, write or close it. Never waits.
 *
 * Thread-safe.
 */
int en_unix_stream_client_fileno(const en_unix_stream_client_t *client);

/**
 * Reads a socket option as getsockopt(2) does. `*size` is the room at `value`, and on success the
 * size of the option. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`.
 */
int en_unix_stream_client_getsockopt(const en_unix_stream_client_t *client,
                                     int level,
                                     int name,
                                     void *value,
                                     size_t *size);

/**
 * Sets a socket option as setsockopt(2) does, from `size` bytes at `value`. SO_RCVTIMEO and
 * SO_SNDTIMEO are the library's own (`EN_EINVAL`): use the time-outs of the calls. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`.
 */
int en_unix_stream_client_setsockopt(en_unix_stream_client_t *client,
                                     int level,
                                     int name,
                                     const void *value,
                                     size_t size);

/**
 * Reads a socket option by its `EN_OPTION_...` to `*value`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (no such option), `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ECLOSED`,
 * `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_unix_stream_client_get_option(const en_unix_stream_client_t *client,
                                     int option,
                                     int64_t *value);

/**
 * Sets a socket option by its `EN_OPTION_...`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (no such option, or a value out of its range), `EN_ENOPROTOOPT`,
 * `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_unix_stream_client_set_option(en_unix_stream_client_t *client, int option, int64_t value);

/**
 * How many bytes each receive asks the system for, as `*size`; when the library chooses, what it
 * has chosen last. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_stream_client_max_recv_size(const en_unix_stream_client_t *client, size_t *size);

/**
 * What the client has done so far; also after it is closed. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_unix_stream_client_get_stats(const en_unix_stream_client_t *client, en_stats_t *stats);

/**
 * Makes options with every default.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_options_new(en_unix_datagram_options_t **out);

/**
 * The address to connect from: a path, which must not exist yet and is left there in the end, or
 * an abstract name. NULL and the unnamed address stand for the default: an abstract name that the
 * system chooses.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_options_set_local_address(en_unix_datagram_options_t *options,
                                               const en_unix_address_t *address);

/**
 * The largest datagram that is received, in bytes, from 1 to 1073741824: a larger one is
 * `EN_EMSGSIZE`, and never cut. 0 stands for the default, 65536. The maximum packet size of the
 * protocol counts, too.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_options_set_max_datagram_size(en_unix_datagram_options_t *options,
                                                   size_t size);

/**
 * Lets a receive look again and again for so many microseconds before it sleeps: less latency for
 * a processor kept busy. At most 1000000; 0, the default, is not at all.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_options_set_busy_poll(en_unix_datagram_options_t *options,
                                           uint32_t microseconds);

/**
 * 1 makes the system send the credentials of the sending process along with what is received
 * (SO_PASSCRED), for the calls that receive ancillary data; 0 is the default. The system then
 * gives a socket without a name an abstract one.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`. See unix(7).
 */
int en_unix_datagram_options_set_receive_credentials(en_unix_datagram_options_t *options,
                                                     int receive_credentials);

/**
 * Gives the client a switch that ends its calls with `EN_ECANCELED`, connecting included. The
 * client keeps it alive. NULL takes it away.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_options_set_cancel(en_unix_datagram_options_t *options, en_cancel_t *cancel);

/**
 * Makes calls ask `interrupted` whether to go on: before they wait, every `interval_ms` milliseconds
 * (from 1 on) while they do, and after each signal. This is how a binding looks for Ctrl-C. `destroy`
 * (may be NULL) is called once with `user_data` when options and clients are gone; not if this call
 * fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_options_set_retry_interval(en_unix_datagram_options_t *options,
                                                int64_t interval_ms,
                                                en_interrupt_t interrupted,
                                                en_destroy_t destroy,
                                                void *user_data);

/**
 * Makes `wait` wait in place of poll(2) wherever a call of the client has to wait for a descriptor.
 * `destroy` (may be NULL) is called once with `user_data` when options and clients are gone; not if
 * this call fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_options_set_wait(en_unix_datagram_options_t *options,
                                      en_wait_t wait,
                                      en_destroy_t destroy,
                                      void *user_data);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_unix_datagram_options_free(en_unix_datagram_options_t *options);

/**
 * Makes a socket whose peer is the one at `address`: a path or an abstract name. Without a local
 * address in the options the system gives it an abstract name, so that the peer can answer.
 * Protocol and options (NULL: all defaults) stay the caller's and may be freed when the call
 * returns.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also the unnamed address), `EN_ENOENT`, `EN_ECONNREFUSED` (nobody has
 * the path any more), `EN_EACCES`, `EN_EPERM` (the peer has another peer), `EN_EPROTOTYPE`
 * (not a datagram socket), `EN_EADDRINUSE` (the local address), `EN_ENOTDIR`, `EN_ELOOP`,
 * `EN_ECANCELED`, `EN_EMFILE`, `EN_ENFILE`, codes of callbacks. See connect(2), unix(7).
 */
int en_unix_datagram_client_connect(en_unix_datagram_client_t **out,
                                    const en_unix_address_t *address,
                                    const en_datagram_protocol_t *protocol,
                                    const en_unix_datagram_options_t *options);

/**
 * Makes a socket whose peer is the one at `path`; otherwise as `en_unix_datagram_client_connect`.
 *
 * Thread-safe.
 *
 * Errors: those of `en_unix_datagram_client_connect`, `EN_ENAMETOOLONG` (above 107 bytes).
 */
int en_unix_datagram_client_connect_path(en_unix_datagram_client_t **out,
                                         const char *path,
                                         const en_datagram_protocol_t *protocol,
                                         const en_unix_datagram_options_t *options);

/**
 * Makes a client of a connected Unix datagram socket, also of one end of a pair. From success on
 * the descriptor is the library's; after a failure it is still the caller's. O_NONBLOCK is left as
 * it is. Options that only connecting needs are ignored. Datagrams that came before the socket was
 * connected are received, too, whoever sent them: take them out first if that matters.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE` (not a datagram socket),
 * `EN_EAFNOSUPPORT` (not a Unix socket), `EN_ENOTCONN`.
 */
int en_unix_datagram_client_from_fd(en_unix_datagram_client_t **out,
                                    int fd,
                                    const en_datagram_protocol_t *protocol,
                                    const en_unix_datagram_options_t *options);

/**
 * The client through what all blocking clients have in common: borrowed, it ends with `client`.
 * NULL for NULL.
 *
 * Thread-safe.
 */
en_client_t *en_unix_datagram_client_as_client(en_unix_datagram_client_t *client);

/**
 * Sends one packet of `size` bytes as one datagram. `(NULL, 0)` is an empty packet.
 *
 * A peer that does not keep up makes a send wait. The client stays usable after every error but
 * those of closing.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large for
 * the protocol or for one datagram), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ECONNREFUSED` (the peer is
 * gone: nobody has its socket any more, and this packet was not sent), `EN_ENOTCONN` (the same,
 * from then on), `EN_ECONNRESET` (the peer is connected elsewhere), `EN_EPERM` (the same, from then
 * on), `EN_EPIPE` (the peer receives no more), `EN_ENOBUFS`, `EN_ECANCELED`, `EN_EDEADLK`,
 * `EN_EFORKED`, codes of callbacks. See send(2), unix(7).
 */
int en_unix_datagram_client_send_packet(en_unix_datagram_client_t *client,
                                        const void *data,
                                        size_t size,
                                        int64_t timeout_ms);

/**
 * Sends one packet that lies in `count` parts, without putting them together first.
 *
 * Thread-safe.
 *
 * Errors: those of `en_unix_datagram_client_send_packet`.
 */
int en_unix_datagram_client_send_packet_slices(en_unix_datagram_client_t *client,
                                               const en_slice_t *parts,
                                               size_t count,
                                               int64_t timeout_ms);

/**
 * Sends `count` packets, a datagram each, in as few system calls as possible. `*sent` is always
 * set: how many went out.
 *
 * Thread-safe.
 *
 * Errors: those of `en_unix_datagram_client_send_packet`, of the first packet that did not go.
 */
int en_unix_datagram_client_send_packets(en_unix_datagram_client_t *client,
                                         const en_slice_t *packets,
                                         size_t count,
                                         int64_t timeout_ms,
                                         size_t *sent);

/**
 * Sends one packet of `size` bytes, and `ancillary` with it, in one system call: at once or not at
 * all. The descriptors in it stay the caller's.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_unix_datagram_client_send_packet`; `EN_EINVAL` also for a packet without a
 * byte and for more than 253 descriptors, `EN_EMSGSIZE` (does not fit at once), `EN_EBADF` (a
 * descriptor that is not open), `EN_EPERM` also for credentials of somebody else, `EN_ESRCH` (of
 * nobody), `EN_ETOOMANYREFS`. See unix(7).
 */
int en_unix_datagram_client_send_packet_with_ancillary(en_unix_datagram_client_t *client,
                                                       const void *data,
                                                       size_t size,
                                                       const en_ancillary_t *ancillary,
                                                       int64_t timeout_ms);

/**
 * Receives one packet, which is the caller's to release. What is buffered comes first, without a
 * system call. After an error the next receive goes on with the next datagram.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNRESET` (the peer is connected elsewhere),
 * `EN_EMSGSIZE` (a datagram above the maximum datagram size, which the message names; it is gone),
 * `EN_EBADMSG` (no packet), `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of
 * callbacks. See recv(2), unix(7).
 */
int en_unix_datagram_client_recv_packet(en_unix_datagram_client_t *client,
                                        int64_t timeout_ms,
                                        en_packet_t *packet);

/**
 * Receives one packet into `capacity` bytes at `buffer`. `*size` is always set: to the size of the
 * packet, also when that is larger than the buffer, and to 0 if there was no packet.
 *
 * Thread-safe.
 *
 * Errors: those of `en_unix_datagram_client_recv_packet`; `EN_EMSGSIZE` also if the packet does
 * not fit: it waits for the next receive.
 */
int en_unix_datagram_client_recv_packet_into(en_unix_datagram_client_t *client,
                                             void *buffer,
                                             size_t capacity,
                                             int64_t timeout_ms,
                                             size_t *size);

/**
 * Receives at least one and at most `capacity` packets: waits for the first as
 * `en_unix_datagram_client_recv_packet` does, and takes those that are there with it. `*count` is
 * always set; so many packets are the caller's to release. An error behind the first packet is
 * reported by the next receive.
 *
 * Thread-safe.
 *
 * Errors: those of `en_unix_datagram_client_recv_packet`.
 */
int en_unix_datagram_client_recv_packets(en_unix_datagram_client_t *client,
                                         en_packet_t *packets,
                                         size_t capacity,
                                         int64_t timeout_ms,
                                         size_t *count);

/**
 * Makes an iterator over the packets that come: `timeout_ms` is a budget for all of them together
 * (`EN_TIMEOUT_NONE` takes what is there). End it with `en_packet_iter_free`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_client_iter_received_packets(en_packet_iter_t **out,
                                                  en_unix_datagram_client_t *client,
                                                  int64_t timeout_ms);

/**
 * 1 if the next receive would answer without a system call, 0 if not, or if another thread is
 * receiving. Who polls the descriptor receives until this is 0 before polling again. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_unix_datagram_client_has_buffered(en_unix_datagram_client_t *client);

/**
 * Receives one packet, which is the caller's to release, and what came with it. What is buffered
 * comes first, and with nothing; otherwise this is exactly one receive from the system, with
 * `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192).
 *
 * `ancillary` is always replaced: it holds what came even if there was no packet, and nothing if
 * nothing came. What it held before, also to be sent, is forgotten, and descriptors are closed.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_unix_datagram_client_recv_packet`; `EN_EINVAL` also for too much room. See
 * unix(7).
 */
int en_unix_datagram_client_recv_packet_with_ancillary(en_unix_datagram_client_t *client,
                                                       size_t control_room,
                                                       int64_t timeout_ms,
                                                       en_ancillary_t *ancillary,
                                                       en_packet_t *packet);

/**
 * Closes the client: calls of other threads that wait answer `EN_ECLOSED` at once, and so do all
 * later ones. It waits for nobody. The descriptor is closed when the last call has left it. A
 * second time it does nothing. A local path is left in the file system.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EFORKED` (in a child that cannot use it).
 */
int en_unix_datagram_client_close(en_unix_datagram_client_t *client);

/**
 * The same as `en_unix_datagram_client_close`: nothing is ever put aside.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_client_abort(en_unix_datagram_client_t *client);

/**
 * 1 if the client is closed, 0 if not. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_client_is_closed(const en_unix_datagram_client_t *client);

/**
 * Ends the handle; NULL is nothing. Closes the client if it is open; wakes calls that are still
 * inside and waits for them to leave. No call may begin any more. In a callback of the same client
 * it takes effect when that has returned. In a forked child it closes the descriptor.
 *
 * One thread at a time.
 */
void en_unix_datagram_client_free(en_unix_datagram_client_t *client);

/**
 * The name of this end; the caller frees it. It was read when the client was made, and is there
 * after it is closed, too. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See getsockname(2).
 */
int en_unix_datagram_client_get_local_name(const en_unix_datagram_client_t *client,
                                           en_unix_address_t **name);

/**
 * The name of the peer; the caller frees it. It was read when the client was made, and is there
 * after it is closed, too. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`. See getpeername(2).
 */
int en_unix_datagram_client_get_peer_name(const en_unix_datagram_client_t *client,
                                          en_unix_address_t **name);

/**
 * The descriptor, to poll; -1 if the client is closed or NULL. It stays the client's: do not read,
 * write or close it. Never waits.
 *
 * Thread-safe.
 */
int en_unix_datagram_client_fileno(const en_unix_datagram_client_t *client);

/**
 * Reads a socket option as getsockopt(2) does. `*size` is the room at `value`, and on success the
 * size of the option. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`.
 */
int en_unix_datagram_client_getsockopt(const en_unix_datagram_client_t *client,
                                       int level,
                                       int name,
                                       void *value,
                                       size_t *size);

/**
 * Sets a socket option as setsockopt(2) does, from `size` bytes at `value`. SO_RCVTIMEO and
 * SO_SNDTIMEO are the library's own (`EN_EINVAL`): use the time-outs of the calls. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`.
 */
int en_unix_datagram_client_setsockopt(en_unix_datagram_client_t *client,
                                       int level,
                                       int name,
                                       const void *value,
                                       size_t size);

/**
 * Reads a socket option by its `EN_OPTION_...` to `*value`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (no such option), `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ECLOSED`,
 * `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_unix_datagram_client_get_option(const en_unix_datagram_client_t *client,
                                       int option,
                                       int64_t *value);

/**
 * Sets a socket option by its `EN_OPTION_...`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (no such option, or a value out of its range), `EN_ENOPROTOOPT`,
 * `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_unix_datagram_client_set_option(en_unix_datagram_client_t *client,
                                       int option,
                                       int64_t value);

/**
 * The largest datagram that this client receives, in bytes, as `*size`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_unix_datagram_client_max_recv_size(const en_unix_datagram_client_t *client, size_t *size);

/**
 * What the client has done so far; also after it is closed. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_unix_datagram_client_get_stats(const en_unix_datagram_client_t *client, en_stats_t *stats);

/**
 * Makes options with every default.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_transport_options_new(en_transport_options_t **out);

/**
 * Makes `wait` wait in place of poll(2) wherever a call has to wait for a descriptor. `destroy`
 * (may be NULL) is called once with `user_data` when options and transports are gone; not if this
 * call fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_transport_options_set_wait(en_transport_options_t *options,
                                  en_wait_t wait,
                                  en_destroy_t destroy,
                                  void *user_data);

/**
 * Makes calls that wait look again every `interval_ms` milliseconds (from 1 on), and ask
 * `interrupted` (may be NULL) whether to go on. Default: none; what has no descriptor to wait for
 * is looked at each second at least. `destroy` (may be NULL) is called once with `user_data` when options
 * and transports are gone; not if this call fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (also `destroy` without `interrupted`).
 */
int en_transport_options_set_retry_interval(en_transport_options_t *options,
                                            int64_t interval_ms,
                                            en_interrupt_t interrupted,
                                            en_destroy_t destroy,
                                            void *user_data);

/**
 * Gives the transport a switch that ends its calls with `EN_ECANCELED`. The transport keeps it
 * alive. NULL takes it away.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_transport_options_set_cancel(en_transport_options_t *options, en_cancel_t *cancel);

/**
 * How long the TLS handshake may take, in milliseconds; default 60000. Negative: for ever. For
 * TLS only.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`; without TLS, when the transport is made.
 */
int en_transport_options_set_handshake_timeout(en_transport_options_t *options, int64_t timeout_ms);

/**
 * How long closing may wait for the peer's end of TLS, in milliseconds; default 30000, negative
 * for ever. It changes nothing for transports without TLS.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_transport_options_set_shutdown_timeout(en_transport_options_t *options, int64_t timeout_ms);

/**
 * Whether the end of TLS (close_notify) must be said, and heard: 1, the default, or 0. See
 * `en_tcp_options_set_standard_compatible`. For TLS only.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`; without TLS, when the transport is made. See RFC 8446, 6.1.
 */
int en_transport_options_set_standard_compatible(en_transport_options_t *options,
                                                 int standard_compatible);

/**
 * The largest datagram that is received, in bytes, up to 1073741824; 0 stands for the default,
 * 65536. It changes nothing for streams.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_transport_options_set_max_datagram_size(en_transport_options_t *options, size_t size);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_transport_options_free(en_transport_options_t *options);

/**
 * Makes a transport of a connected stream socket of any family. From success on the descriptor is
 * the library's; after a failure it is still the caller's. O_NONBLOCK is left as it is. `options`
 * may be NULL: all defaults.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK` (a pipe or file: see `en_stream_transport_new`),
 * `EN_EPROTOTYPE` (not a stream socket), `EN_ENOTCONN`.
 */
int en_stream_transport_from_fd(en_stream_transport_t **out,
                                int fd,
                                const en_transport_options_t *options);

/**
 * Makes a transport that speaks TLS over another one, and shakes hands: with a client's `config`
 * as the client, with a server's as the server. It keeps its own hold on `transport`, which stays
 * the caller's, and on `config`; closing it closes both. As long as it is there, nobody else sends by
 * `transport` (`EN_EBUSY`), and nobody else should receive by it. `server_name` is the peer's name, for
 * a client: what its certificate must have ("": none); NULL with a server's configuration. `options`
 * (NULL: all defaults) say how long shaking hands and closing may take.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also a client without `server_name`, a server with one, and a name that is
 * none) and `EN_EBUSY` (somebody speaks TLS over `transport` already, or is in the midst of a packet):
 * nothing has been said to the peer then; `EN_ETIMEDOUT`, `EN_ECONNABORTED` (the peer has gone),
 * `EN_ETLS_...`, `EN_ECLOSED`, `EN_ECANCELED`, those of receiving and sending, codes of callbacks. After
 * these `transport` is of no use but to close.
 */
int en_stream_transport_new_tls(en_stream_transport_t **out,
                                const en_stream_transport_t *transport,
                                const en_tls_config_t *config,
                                const char *server_name,
                                const en_transport_options_t *options);

/**
 * Makes a transport that speaks TLS over another one, as `en_stream_transport_new_tls` does, but
 * without shaking hands, which would wait. `en_stream_transport_handshake` does that, its `_noblock`
 * twin step by step, or the loop on which an endpoint is made over this
 * (`en_async_stream_endpoint_new`). Until then receiving and sending answer `EN_ENOTCONN`. `options`
 * (NULL: all defaults) say how long closing may take, and the handshake on a loop.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also a client without `server_name`, a server with one, and a name that is
 * none), `EN_EBUSY` (somebody speaks TLS over `transport` already, or is in the midst of a packet),
 * `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_ETLS_NO_TRUST`. Nothing has been said to the peer then.
 */
int en_stream_transport_new_tls_noblock(en_stream_transport_t **out,
                                        const en_stream_transport_t *transport,
                                        const en_tls_config_t *config,
                                        const char *server_name,
                                        const en_transport_options_t *options);

/**
 * Shakes hands, where that has yet to be done (`en_stream_transport_new_tls_noblock`); otherwise it
 * does nothing, also for a stapled transport, whose halves shake hands by themselves. After
 * `EN_ETIMEDOUT`, `EN_ECANCELED` and `EN_EBUSY` another call goes on with it; after other errors the
 * transport is of no use but to close.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNABORTED` (the peer has gone), `EN_ETLS_...`,
 * `EN_ECLOSED`, `EN_EBUSY` (another call is receiving, sending, or shaking hands), `EN_ECANCELED`,
 * `EN_EDEADLK`, `EN_EFORKED`, those of receiving and sending, codes of callbacks.
 */
int en_stream_transport_handshake(en_stream_transport_t *transport,
                                  int64_t timeout_ms);

/**
 * Goes on shaking hands as `en_stream_transport_handshake` does, without waiting. `*fd` is always set:
 * to the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
 *
 * Thread-safe.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_stream_transport_handshake` but
 * `EN_ETIMEDOUT`.
 */
int en_stream_transport_handshake_noblock(en_stream_transport_t *transport,
                                          int *fd);

/**
 * Makes one transport of two: it receives by `receive` and sends by `send`, and keeps its own
 * hold on both, which must be two. Closing it closes both, the sending one first; over TLS it says
 * the end to both peers, and waits for neither's. To receive it
 * waits on the descriptor of `receive`, to send on that of `send`. Where the sending one cannot
 * send the end of the stream, it is closed instead.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, twice the same), `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_stream_transport_new_stapled(en_stream_transport_t **out,
                                    const en_stream_transport_t *receive,
                                    const en_stream_transport_t *send,
                                    const en_transport_options_t *options);

/**
 * Makes a transport of callbacks. The struct is copied. `destroy` (may be NULL) is called once
 * with `user_data` when the transport has no holder any more, after its `close`; not if this call
 * fails.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_transport_new(en_stream_transport_t **out,
                            const en_transport_callbacks_t *callbacks,
                            const en_transport_options_t *options,
                            en_destroy_t destroy,
                            void *user_data);

/**
 * Closes the transport, for all that have a hold on it: calls that wait answer `EN_ECLOSED`, and
 * so do all later ones. It waits for nobody, but, over TLS, for the peer's end of it, at most the
 * shutdown time-out. The descriptor is closed when the last holder is closed or freed, and the
 * last call has left it. A second time it does nothing.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, what the `close` callback answered. It is closed in any case, but with
 * `EN_EFORKED` (in a child that cannot use it).
 */
int en_stream_transport_close(en_stream_transport_t *transport);

/**
 * 1 if the transport is closed, by whomever, 0 if not; one of two halves is when both are. Never
 * waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_transport_is_closed(const en_stream_transport_t *transport);

/**
 * The descriptor to poll for receiving, or else for sending; -1 if there is none, if the
 * transport is closed, or NULL. It stays the transport's. Never waits.
 *
 * Thread-safe.
 */
int en_stream_transport_fileno(const en_stream_transport_t *transport);

/**
 * Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) to `value`, where there is room for
 * `*size` bytes; `*size` becomes its size, also when that is too large. Of two halves the
 * receiving one is asked first. Names are those the socket had when the transport was made. Never
 * waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, no such number), `EN_ENODATA` (it has no such attribute),
 * `EN_EMSGSIZE` (too little room), `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, codes of the
 * callback.
 */
int en_stream_transport_get_attribute(const en_stream_transport_t *transport,
                                      int attribute,
                                      void *value,
                                      size_t *size);

/**
 * What TLS has agreed on: `*info` is the caller's to free. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ENODATA` (the transport does not speak TLS), `EN_ENOTCONN` (hands have not
 * been shaken), `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_stream_transport_get_tls_info(const en_stream_transport_t *transport,
                                     en_tls_info_t **info);

/**
 * Makes the handle `*out` of the half that a transport of two halves receives by; its calls wait as those of
 * `transport` do.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, not made of two halves), `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_stream_transport_stapled_receive_half(en_stream_transport_t **out,
                                             const en_stream_transport_t *transport);

/**
 * Makes the handle `*out` of the half that a transport of two halves sends by; its calls wait as those of
 * `transport` do.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, not made of two halves), `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_stream_transport_stapled_send_half(en_stream_transport_t **out,
                                          const en_stream_transport_t *transport);

/**
 * Calls `attempt` with `user_data` until it stops wanting, or `timeout_ms` has passed: attempt,
 * wait, attempt again, as all calls of the library that wait do. While it waits by another descriptor, or by
 * none, closing is noticed after the retry interval, or a second. `*left_ms` is always set: to what is
 * left of the time, in milliseconds, negative for ever.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`,
 * codes of the callback.
 */
int en_stream_transport_retry(en_stream_transport_t *transport,
                              en_attempt_t attempt,
                              void *user_data,
                              int64_t timeout_ms,
                              int64_t *left_ms);

/**
 * Ends the handle; NULL is nothing. What was made over the transport goes on with it: it is
 * closed when its last holder is closed or freed. Over TLS the last that is freed says the end, as
 * far as that goes at once, and does not wait for the peer's. Calls that are inside this handle are
 * woken, which closes it, and waited for. No call may begin any more. In a callback of the same
 * transport it takes effect when that has returned.
 *
 * One thread at a time.
 */
void en_stream_transport_free(en_stream_transport_t *transport);

/**
 * Receives at least one byte and at most `max_size` (0 stands for 65536, the most is 1073741824),
 * and hands them over as `*packet`, which is the caller's to release. No byte at all is the end
 * of the stream.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ENOTCONN` (hands have not been shaken),
 * `EN_ECONNRESET`, `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`,
 * `EN_EBUSY` (another call is receiving), `EN_EOPNOTSUPP` (it only sends), `EN_ECANCELED`,
 * `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See recv(2).
 */
int en_stream_transport_recv(en_stream_transport_t *transport,
                             size_t max_size,
                             int64_t timeout_ms,
                             en_packet_t *packet);

/**
 * Receives as `en_stream_transport_recv` does what is there, at most `max_size` bytes as
 * `*packet`, without waiting. `*fd` is always set: to the descriptor to wait for after
 * `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
 *
 * Thread-safe.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_stream_transport_recv` but
 * `EN_ETIMEDOUT`.
 */
int en_stream_transport_recv_noblock(en_stream_transport_t *transport,
                                     size_t max_size,
                                     en_packet_t *packet,
                                     int *fd);

/**
 * Receives at least one byte into `capacity` bytes at `buffer`. `*size` is always set to how many
 * came; 0 after `EN_OK` is the end of the stream.
 *
 * Thread-safe.
 *
 * Errors: those of `en_stream_transport_recv`.
 */
int en_stream_transport_recv_into(en_stream_transport_t *transport,
                                  void *buffer,
                                  size_t capacity,
                                  int64_t timeout_ms,
                                  size_t *size);

/**
 * Receives what is there into `capacity` bytes at `buffer`, without waiting. `*size` is always
 * set, as by `en_stream_transport_recv_into`. `*fd` is always set: to the descriptor to wait for
 * after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
 *
 * Thread-safe.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_stream_transport_recv_into` but
 * `EN_ETIMEDOUT`.
 */
int en_stream_transport_recv_into_noblock(en_stream_transport_t *transport,
                                          void *buffer,
                                          size_t capacity,
                                          size_t *size,
                                          int *fd);

/**
 * Receives bytes as `en_stream_transport_recv` does, with exactly one receive from the system.
 * `ancillary` is always replaced by what came beside them, for which there are `control_room`
 * bytes (at most 1048576; 0 stands for 8192).
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_stream_transport_recv`; `EN_EINVAL` also for too much room, `EN_EOPNOTSUPP`
 * also if it carries none. See unix(7).
 */
int en_stream_transport_recv_with_ancillary(en_stream_transport_t *transport,
                                            size_t max_size,
                                            size_t control_room,
                                            int64_t timeout_ms,
                                            en_ancillary_t *ancillary,
                                            en_packet_t *packet);

/**
 * The same as `en_stream_transport_recv_with_ancillary`, without waiting: `ancillary` is always
 * replaced, with `control_room` bytes of room; at most `max_size` bytes come as `*packet`. `*fd`
 * is always set: to the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1
 * if there is none.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_stream_transport_recv_with_ancillary`
 * but `EN_ETIMEDOUT`.
 */
int en_stream_transport_recv_with_ancillary_noblock(en_stream_transport_t *transport,
                                                    size_t max_size,
                                                    size_t control_room,
                                                    en_ancillary_t *ancillary,
                                                    en_packet_t *packet,
                                                    int *fd);

/**
 * Receives bytes as `en_stream_transport_recv_into` does, with exactly one receive from the
 * system. `*size` is always set. `ancillary` is always replaced by what came beside them, for which
 * there are `control_room` bytes (at most 1048576; 0 stands for 8192).
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_stream_transport_recv`; `EN_EINVAL` also for too much room, `EN_EOPNOTSUPP`
 * also if it carries none. See unix(7).
 */
int en_stream_transport_recv_with_ancillary_into(en_stream_transport_t *transport,
                                                 void *buffer,
                                                 size_t capacity,
                                                 size_t control_room,
                                                 int64_t timeout_ms,
                                                 en_ancillary_t *ancillary,
                                                 size_t *size);

/**
 * The same as `en_stream_transport_recv_with_ancillary_into`, without waiting: `ancillary` is
 * always replaced, with `control_room` bytes of room; `*size` is always set, the bytes go to
 * `capacity` bytes at `buffer`. `*fd` is always set: to the descriptor to wait for after
 * `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
 * `en_stream_transport_recv_with_ancillary_into` but `EN_ETIMEDOUT`.
 */
int en_stream_transport_recv_with_ancillary_into_noblock(en_stream_transport_t *transport,
                                                         void *buffer,
                                                         size_t capacity,
                                                         size_t control_room,
                                                         en_ancillary_t *ancillary,
                                                         size_t *size,
                                                         int *fd);

/**
 * Sends as many as go at once of the `size` bytes at `data`, at least one (of none, none), and
 * says how many in `*sent`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ENOTCONN` (hands have not been shaken),
 * `EN_EPIPE` (also after a send over TLS that stopped half-way), `EN_ECONNRESET`,
 * `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ESHUTDOWN` (the end of TLS has been
 * said), `EN_ETLS_...`, `EN_EBUSY` (another call is sending), `EN_EOPNOTSUPP` (it only receives),
 * `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2).
 */
int en_stream_transport_send(en_stream_transport_t *transport,
                             const void *data,
                             size_t size,
                             int64_t timeout_ms,
                             size_t *sent);

/**
 * Sends as many as go at once of the `size` bytes at `data`, without waiting, and says how many
 * in `*sent`, which is always set. After `EN_WANT_READ` or `EN_WANT_WRITE` come again with the
 * same bytes, and more behind them if need be: TLS may have begun with them. `*fd` is always set:
 * to the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is
 * none.
 *
 * Thread-safe.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_stream_transport_send` but
 * `EN_ETIMEDOUT`.
 */
int en_stream_transport_send_noblock(en_stream_transport_t *transport,
                                     const void *data,
                                     size_t size,
                                     size_t *sent,
                                     int *fd);

/**
 * Sends all `size` bytes at `data`. `*sent` is always set to how many went.
 *
 * Thread-safe.
 *
 * Errors: those of `en_stream_transport_send`.
 */
int en_stream_transport_send_all(en_stream_transport_t *transport,
                                 const void *data,
                                 size_t size,
                                 int64_t timeout_ms,
                                 size_t *sent);

/**
 * Sends all bytes of the `count` slices, in their order, as many with one system call as it
 * takes; TLS fills its records with them. `*sent` is always set to how many bytes went.
 *
 * Thread-safe.
 *
 * Errors: those of `en_stream_transport_send`.
 */
int en_stream_transport_send_all_from_slices(en_stream_transport_t *transport,
                                             const en_slice_t *slices,
                                             size_t count,
                                             int64_t timeout_ms,
                                             size_t *sent);

/**
 * Sends of the `count` slices what goes at once, without waiting, and says how many bytes in
 * `*sent`, which is always set. As with `en_stream_transport_send_noblock` come again with the
 * same bytes. `*fd` is always set: to the descriptor to wait for after `EN_WANT_READ` or
 * `EN_WANT_WRITE`, and to -1 if there is none.
 *
 * Thread-safe.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
 * `en_stream_transport_send_all_from_slices` but `EN_ETIMEDOUT`.
 */
int en_stream_transport_send_from_slices_noblock(en_stream_transport_t *transport,
                                                 const en_slice_t *slices,
                                                 size_t count,
                                                 size_t *sent,
                                                 int *fd);

/**
 * Sends all `size` bytes at `data`, and `ancillary` with them, in one system call. The
 * descriptors in it stay the caller's. `*sent` is always set to how many bytes went: if that is
 * less than all, the ancillary data went with them, and the call answers `EN_EMSGSIZE`.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_stream_transport_send_all`; `EN_EINVAL` also for no byte at all and for more
 * than 253 descriptors, `EN_EMSGSIZE` (did not fit at once), `EN_EBADF`, `EN_EPERM`, `EN_ESRCH`,
 * `EN_ETOOMANYREFS`, `EN_EOPNOTSUPP` also if it carries none. See unix(7).
 */
int en_stream_transport_send_all_with_ancillary(en_stream_transport_t *transport,
                                                const void *data,
                                                size_t size,
                                                const en_ancillary_t *ancillary,
                                                int64_t timeout_ms,
                                                size_t *sent);

/**
 * The same as `en_stream_transport_send_all_with_ancillary`, without waiting: all `size` bytes at
 * `data` and `ancillary`; `*sent` is always set. `*fd` is always set: to the descriptor to wait
 * for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
 * `en_stream_transport_send_all_with_ancillary` but `EN_ETIMEDOUT`.
 */
int en_stream_transport_send_all_with_ancillary_noblock(en_stream_transport_t *transport,
                                                        const void *data,
                                                        size_t size,
                                                        const en_ancillary_t *ancillary,
                                                        size_t *sent,
                                                        int *fd);

/**
 * Sends the end of the stream: the peer receives what was sent and then the end. Receiving goes
 * on. Of two halves whose sending one cannot, that one is closed instead.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EOPNOTSUPP` (TLS, a transport that only receives or has no callback
 * for it), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_EBUSY`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`,
 * codes of callbacks. See shutdown(2).
 */
int en_stream_transport_send_eof(en_stream_transport_t *transport, int64_t timeout_ms);

/**
 * Makes a transport of a connected datagram socket of any family. From success on the descriptor
 * is the library's; after a failure it is still the caller's. O_NONBLOCK is left as it is, and so
 * is UDP_GRO: datagrams come one by one with it, too (who polls receives until `EN_WANT_READ`
 * first). `options` may be NULL: all defaults.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK` (a pipe or file: see
 * `en_datagram_transport_new`), `EN_EPROTOTYPE` (not a datagram socket), `EN_ENOTCONN`.
 */
int en_datagram_transport_from_fd(en_datagram_transport_t **out,
                                  int fd,
                                  const en_transport_options_t *options);

/**
 * Makes one transport of two: it receives by `receive` and sends by `send`, and keeps its own
 * hold on both, which must be two. Closing it closes both, the sending one first. To receive it
 * waits on the descriptor of `receive`, to send on that of `send`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, twice the same), `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_datagram_transport_new_stapled(en_datagram_transport_t **out,
                                      const en_datagram_transport_t *receive,
                                      const en_datagram_transport_t *send,
                                      const en_transport_options_t *options);

/**
 * Makes a transport of callbacks. The struct is copied. `destroy` (may be NULL) is called once
 * with `user_data` when the transport has no holder any more, after its `close`; not if this call
 * fails.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_datagram_transport_new(en_datagram_transport_t **out,
                              const en_transport_callbacks_t *callbacks,
                              const en_transport_options_t *options,
                              en_destroy_t destroy,
                              void *user_data);

/**
 * Closes the transport, for all that have a hold on it: calls that wait answer `EN_ECLOSED`, and
 * so do all later ones. It waits for nobody. The descriptor is closed when the last holder is
 * closed or freed, and the last call has left it. A second time it does nothing.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, what the `close` callback answered. It is closed in any case, but with
 * `EN_EFORKED` (in a child that cannot use it).
 */
int en_datagram_transport_close(en_datagram_transport_t *transport);

/**
 * 1 if the transport is closed, by whomever, 0 if not; one of two halves is when both are. Never
 * waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_datagram_transport_is_closed(const en_datagram_transport_t *transport);

/**
 * The descriptor to poll for receiving, or else for sending; -1 if there is none, if the
 * transport is closed, or NULL. It stays the transport's. Never waits.
 *
 * Thread-safe.
 */
int en_datagram_transport_fileno(const en_datagram_transport_t *transport);

/**
 * Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) to `value`, where there is room for
 * `*size` bytes; `*size` becomes its size, also when that is too large. Of two halves the
 * receiving one is asked first. Names are those the socket had when the transport was made. Never
 * waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, no such number), `EN_ENODATA` (it has no such attribute),
 * `EN_EMSGSIZE` (too little room), `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, codes of the
 * callback.
 */
int en_datagram_transport_get_attribute(const en_datagram_transport_t *transport,
                                        int attribute,
                                        void *value,
                                        size_t *size);

/**
 * Makes the handle `*out` of the half that a transport of two halves receives by; its calls wait as those of
 * `transport` do.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, not made of two halves), `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_datagram_transport_stapled_receive_half(en_datagram_transport_t **out,
                                               const en_datagram_transport_t *transport);

/**
 * Makes the handle `*out` of the half that a transport of two halves sends by; its calls wait as those of
 * `transport` do.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, not made of two halves), `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_datagram_transport_stapled_send_half(en_datagram_transport_t **out,
                                            const en_datagram_transport_t *transport);

/**
 * Calls `attempt` with `user_data` until it stops wanting, or `timeout_ms` has passed: attempt,
 * wait, attempt again, as all calls of the library that wait do. While it waits by another descriptor, or by
 * none, closing is noticed after the retry interval, or a second. `*left_ms` is always set: to what is
 * left of the time, in milliseconds, negative for ever.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`,
 * codes of the callback.
 */
int en_datagram_transport_retry(en_datagram_transport_t *transport,
                                en_attempt_t attempt,
                                void *user_data,
                                int64_t timeout_ms,
                                int64_t *left_ms);

/**
 * Ends the handle; NULL is nothing. What was made over the transport goes on with it: it is
 * closed when its last holder is closed or freed. Calls that are inside this handle are woken,
 * which closes it, and waited for. No call may begin any more. In a callback of the same
 * transport it takes effect when that has returned.
 *
 * One thread at a time.
 */
void en_datagram_transport_free(en_datagram_transport_t *transport);

/**
 * Receives one datagram, of at most the maximum datagram size, and hands it over as `*packet`,
 * which is the caller's to release. An empty datagram is one, too.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_EMSGSIZE` (larger than the maximum: it is
 * lost), `EN_ECONNREFUSED` and other ICMP errors of UDP (as an earlier datagram found),
 * `EN_ECONNRESET` of Unix (the peer is connected elsewhere), `EN_EBUSY` (another call is
 * receiving), `EN_EOPNOTSUPP` (it only sends), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of
 * callbacks. See recv(2).
 */
int en_datagram_transport_recv(en_datagram_transport_t *transport,
                               int64_t timeout_ms,
                               en_packet_t *packet);

/**
 * Receives one datagram as `*packet` if one is there, without waiting. `*fd` is always set: to
 * the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
 *
 * Thread-safe.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_datagram_transport_recv` but
 * `EN_ETIMEDOUT`.
 */
int en_datagram_transport_recv_noblock(en_datagram_transport_t *transport,
                                       en_packet_t *packet,
                                       int *fd);

/**
 * Receives one datagram into `capacity` bytes at `buffer`. `*size` is always set: to its size,
 * also when that is larger than the buffer, and to 0 if there was none. The maximum datagram size
 * does not count here.
 *
 * Thread-safe.
 *
 * Errors: those of `en_datagram_transport_recv`, of which `EN_EMSGSIZE` says that it is larger than
 * the buffer: it is lost.
 */
int en_datagram_transport_recv_into(en_datagram_transport_t *transport,
                                    void *buffer,
                                    size_t capacity,
                                    int64_t timeout_ms,
                                    size_t *size);

/**
 * Receives one datagram into `capacity` bytes at `buffer` if one is there, without waiting.
 * `*size` is always set, as by `en_datagram_transport_recv_into`. `*fd` is always set: to the
 * descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
 *
 * Thread-safe.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_datagram_transport_recv_into` but
 * `EN_ETIMEDOUT`.
 */
int en_datagram_transport_recv_into_noblock(en_datagram_transport_t *transport,
                                            void *buffer,
                                            size_t capacity,
                                            size_t *size,
                                            int *fd);

/**
 * Receives one datagram as `en_datagram_transport_recv` does. `ancillary` is always replaced by
 * what came beside it, for which there are `control_room` bytes (at most 1048576; 0 stands for
 * 8192).
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_datagram_transport_recv`; `EN_EINVAL` also for too much room,
 * `EN_EOPNOTSUPP` also if it carries none. See unix(7).
 */
int en_datagram_transport_recv_with_ancillary(en_datagram_transport_t *transport,
                                              size_t control_room,
                                              int64_t timeout_ms,
                                              en_ancillary_t *ancillary,
                                              en_packet_t *packet);

/**
 * The same as `en_datagram_transport_recv_with_ancillary`, without waiting: `ancillary` is always
 * replaced, with `control_room` bytes of room; the datagram comes as `*packet`. `*fd` is always
 * set: to the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there
 * is none.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
 * `en_datagram_transport_recv_with_ancillary` but `EN_ETIMEDOUT`.
 */
int en_datagram_transport_recv_with_ancillary_noblock(en_datagram_transport_t *transport,
                                                      size_t control_room,
                                                      en_ancillary_t *ancillary,
                                                      en_packet_t *packet,
                                                      int *fd);

/**
 * Receives one datagram as `en_datagram_transport_recv_into` does. `*size` is always set.
 * `ancillary` is always replaced by what came beside it, for which there are `control_room` bytes (at
 * most 1048576; 0 stands for 8192).
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_datagram_transport_recv_into`; `EN_EINVAL` also for too much room,
 * `EN_EOPNOTSUPP` also if it carries none. See unix(7).
 */
int en_datagram_transport_recv_with_ancillary_into(en_datagram_transport_t *transport,
                                                   void *buffer,
                                                   size_t capacity,
                                                   size_t control_room,
                                                   int64_t timeout_ms,
                                                   en_ancillary_t *ancillary,
                                                   size_t *size);

/**
 * The same as `en_datagram_transport_recv_with_ancillary_into`, without waiting: `ancillary` is
 * always replaced, with `control_room` bytes of room; `*size` is always set, the bytes go to
 * `capacity` bytes at `buffer`. `*fd` is always set: to the descriptor to wait for after
 * `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
 * `en_datagram_transport_recv_with_ancillary_into` but `EN_ETIMEDOUT`.
 */
int en_datagram_transport_recv_with_ancillary_into_noblock(en_datagram_transport_t *transport,
                                                           void *buffer,
                                                           size_t capacity,
                                                           size_t control_room,
                                                           en_ancillary_t *ancillary,
                                                           size_t *size,
                                                           int *fd);

/**
 * Sends one datagram: the `size` bytes at `data`. None at all is a datagram, too.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EMSGSIZE` (larger than the transport carries), `EN_ETIMEDOUT`,
 * `EN_ECLOSED`, `EN_ECONNREFUSED` and other ICMP errors of UDP (as an earlier datagram found),
 * `EN_ECONNREFUSED` of Unix (nobody has the peer's socket any more) and `EN_ENOTCONN` (the same,
 * from then on), which say that this one was not sent, `EN_EPERM` (a firewall; of Unix: the peer
 * has another peer), `EN_EPIPE` and `EN_ECONNRESET` of Unix (the peer receives no more, is
 * connected elsewhere), `EN_ENOBUFS`, `EN_EBUSY` (another call is sending), `EN_EOPNOTSUPP` (it
 * only receives), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2).
 */
int en_datagram_transport_send(en_datagram_transport_t *transport,
                               const void *data,
                               size_t size,
                               int64_t timeout_ms);

/**
 * Sends one datagram, the `size` bytes at `data`, without waiting. `*fd` is always set: to the
 * descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1 if there is none.
 *
 * Thread-safe.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of `en_datagram_transport_send` but
 * `EN_ETIMEDOUT`.
 */
int en_datagram_transport_send_noblock(en_datagram_transport_t *transport,
                                       const void *data,
                                       size_t size,
                                       int *fd);

/**
 * Sends one datagram, the `size` bytes at `data` (one at least), and `ancillary` with it. The
 * descriptors in it stay the caller's.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_datagram_transport_send`; `EN_EINVAL` also for no byte at all and for more
 * than 253 descriptors, `EN_EBADF`, `EN_EPERM`, `EN_ESRCH`, `EN_ETOOMANYREFS`, `EN_EOPNOTSUPP` also
 * if it carries none. See unix(7).
 */
int en_datagram_transport_send_with_ancillary(en_datagram_transport_t *transport,
                                              const void *data,
                                              size_t size,
                                              const en_ancillary_t *ancillary,
                                              int64_t timeout_ms);

/**
 * Sends one datagram, the `size` bytes at `data`, and `ancillary` with it, without waiting. `*fd`
 * is always set: to the descriptor to wait for after `EN_WANT_READ` or `EN_WANT_WRITE`, and to -1
 * if there is none.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: `EN_WANT_READ`, `EN_WANT_WRITE`, and those of
 * `en_datagram_transport_send_with_ancillary` but `EN_ETIMEDOUT`.
 */
int en_datagram_transport_send_with_ancillary_noblock(en_datagram_transport_t *transport,
                                                      const void *data,
                                                      size_t size,
                                                      const en_ancillary_t *ancillary,
                                                      int *fd);

/**
 * The largest datagram that is received, in bytes, as `*size`. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_datagram_transport_max_datagram_size(const en_datagram_transport_t *transport, size_t *size);

/**
 * Makes options with every default.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_endpoint_options_new(en_endpoint_options_t **out);

/**
 * How many bytes each receive asks the transport for, from 1 to 1073741824. 0 stands for the
 * default: 16384 at first, more while receives are filled. It changes nothing for datagrams.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_endpoint_options_set_max_recv_size(en_endpoint_options_t *options, size_t size);

/**
 * The largest packet that is received from a stream, in bytes: the smaller of this and the
 * protocol's own maximum counts. 0 stands for the default, the protocol's own.
 * Memory that a protocol lends (`en_stream_protocol_new_buffered`) has no other limit than its size.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_endpoint_options_set_max_packet_size(en_endpoint_options_t *options,
                                            size_t size);

/**
 * The largest datagram that is received, in bytes, up to 1073741824; 0 stands for the default,
 * 65536. It changes nothing for streams.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_endpoint_options_set_max_datagram_size(en_endpoint_options_t *options, size_t size);

/**
 * Gathers packets in a buffer of `size` bytes (up to 1073741824; 0, the default, is none) instead
 * of sending each at once. They go out when the buffer is full, by flushing, by sending the end of
 * the stream, by closing, and when a receive on the endpoint is about to wait; on a loop with each
 * of its turns. It changes nothing for datagrams.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_endpoint_options_set_write_buffer(en_endpoint_options_t *options, size_t size);

/**
 * How long closing may take to bring out what is still to send, and over TLS to hear the peer's
 * end, in milliseconds; default 30000, negative for ever.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_endpoint_options_set_shutdown_timeout(en_endpoint_options_t *options, int64_t timeout_ms);

/**
 * Lets a receive look again and again for so many microseconds before it sleeps: less latency for
 * a processor kept busy. At most 1000000; 0, the default, is not at all.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_endpoint_options_set_busy_poll(en_endpoint_options_t *options, uint32_t microseconds);

/**
 * Gives the endpoint a switch that ends its calls with `EN_ECANCELED`. The endpoint keeps it
 * alive. NULL takes it away.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_endpoint_options_set_cancel(en_endpoint_options_t *options, en_cancel_t *cancel);

/**
 * Makes calls that wait look again every `interval_ms` milliseconds (from 1 on), and ask
 * `interrupted` (may be NULL) whether to go on. Default: none; what has no descriptor to wait for
 * is looked at each second at least. `destroy` (may be NULL) is called once with `user_data` when
 * options and endpoints are gone; not if this call fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL` (also `destroy` without `interrupted`).
 */
int en_endpoint_options_set_retry_interval(en_endpoint_options_t *options,
                                           int64_t interval_ms,
                                           en_interrupt_t interrupted,
                                           en_destroy_t destroy,
                                           void *user_data);

/**
 * Makes `wait` wait in place of poll(2) wherever a call has to wait for a descriptor. `destroy`
 * (may be NULL) is called once with `user_data` when options and endpoints are gone; not if this
 * call fails.
 *
 * One thread at a time.
 *
 * Errors: `EN_EINVAL`.
 */
int en_endpoint_options_set_wait(en_endpoint_options_t *options,
                                 en_wait_t wait,
                                 en_destroy_t destroy,
                                 void *user_data);

/**
 * Ends the handle; NULL is nothing.
 *
 * One thread at a time.
 */
void en_endpoint_options_free(en_endpoint_options_t *options);

/**
 * Makes an endpoint that receives and sends packets. Transport, protocol and options (NULL: all
 * defaults) stay the caller's and may be freed when the call returns.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`, codes of
 * callbacks.
 */
int en_stream_endpoint_new(en_stream_endpoint_t **out,
                           const en_stream_transport_t *transport,
                           const en_stream_protocol_t *protocol,
                           const en_endpoint_options_t *options);

/**
 * Makes an endpoint that only receives: sending answers `EN_EOPNOTSUPP`. Transport, protocol and
 * options (NULL: all defaults) stay the caller's and may be freed when the call returns.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`, codes of
 * callbacks.
 */
int en_stream_endpoint_new_receiver(en_stream_endpoint_t **out,
                                    const en_stream_transport_t *transport,
                                    const en_stream_protocol_t *protocol,
                                    const en_endpoint_options_t *options);

/**
 * Makes an endpoint that only sends: receiving answers `EN_EOPNOTSUPP`. Transport, protocol and
 * options (NULL: all defaults) stay the caller's and may be freed when the call returns.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`.
 */
int en_stream_endpoint_new_sender(en_stream_endpoint_t **out,
                                  const en_stream_transport_t *transport,
                                  const en_stream_protocol_t *protocol,
                                  const en_endpoint_options_t *options);

/**
 * The endpoint through what all blocking clients have in common: borrowed, it ends with
 * `endpoint`. NULL for NULL.
 *
 * Thread-safe.
 */
en_client_t *en_stream_endpoint_as_client(en_stream_endpoint_t *endpoint);

/**
 * Sends one packet of `size` bytes. `(NULL, 0)` is an empty packet.
 *
 * After `EN_ETIMEDOUT` and `EN_ECANCELED` without a byte sent, the endpoint is as before. If part
 * of the packet had gone out, the sending direction is broken: later sends answer `EN_EPIPE`, and
 * the message says why; receiving still works.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large for
 * the protocol), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ENOTCONN` (TLS without hands shaken),
 * `EN_ESHUTDOWN`, `EN_EPIPE`, `EN_ECONNRESET`, `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`,
 * `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_EBUSY` (another call is at it), `EN_EOPNOTSUPP` (the other
 * direction only), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2).
 */
int en_stream_endpoint_send_packet(en_stream_endpoint_t *endpoint,
                                   const void *data,
                                   size_t size,
                                   int64_t timeout_ms);

/**
 * Sends one packet that lies in `count` parts, without putting them together first.
 *
 * Thread-safe.
 *
 * Errors: those of `en_stream_endpoint_send_packet`.
 */
int en_stream_endpoint_send_packet_slices(en_stream_endpoint_t *endpoint,
                                          const en_slice_t *parts,
                                          size_t count,
                                          int64_t timeout_ms);

/**
 * Sends `count` packets, in as few system calls as possible. `*sent` is always set: how many
 * whole packets went out (or into the write buffer).
 *
 * Thread-safe.
 *
 * Errors: those of `en_stream_endpoint_send_packet`, of the first packet that did not go.
 */
int en_stream_endpoint_send_packets(en_stream_endpoint_t *endpoint,
                                    const en_slice_t *packets,
                                    size_t count,
                                    int64_t timeout_ms,
                                    size_t *sent);

/**
 * Sends what is in the write buffer. What does not go within the time-out stays in it.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ENOTCONN`, `EN_EPIPE`, `EN_ECONNRESET`,
 * `EN_ECONNTIMEDOUT`, `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_EBUSY` (another call
 * is at it), `EN_EOPNOTSUPP` (the other direction only), `EN_ECANCELED`, `EN_EDEADLK`,
 * `EN_EFORKED`.
 */
int en_stream_endpoint_flush(en_stream_endpoint_t *endpoint, int64_t timeout_ms);

/**
 * Sends what is in the write buffer, and then the end of the stream: the peer receives what was
 * sent and then the end. Receiving goes on. A second time, and on a closed endpoint or one whose
 * connection is down, it does nothing, unless something in the write buffer is lost with it. If it
 * fails, the end is not sent, and sending goes on.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_EBUSY`, `EN_EOPNOTSUPP` (it only receives, or the
 * transport cannot), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, and those of
 * `en_stream_endpoint_flush` if there is something in the write buffer. See shutdown(2).
 */
int en_stream_endpoint_send_eof(en_stream_endpoint_t *endpoint, int64_t timeout_ms);

/**
 * Sends one packet of `size` bytes, and `ancillary` with it, in one system call: at once or not
 * at all. The descriptors in it stay the caller's.
 *
 * If part of a packet has gone out, the sending direction is broken, as with
 * `en_stream_endpoint_send_packet`. The write buffer is sent first.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_stream_endpoint_send_packet`; `EN_EINVAL` also for a packet without a
 * byte and for more than 253 descriptors, `EN_EMSGSIZE` (does not fit at once), `EN_EBADF` (a
 * descriptor that is not open), `EN_EPERM` (credentials of somebody else), `EN_ESRCH` (of
 * nobody), `EN_ETOOMANYREFS`. `EN_EOPNOTSUPP` also if the transport carries none. See unix(7).
 */
int en_stream_endpoint_send_packet_with_ancillary(en_stream_endpoint_t *endpoint,
                                                  const void *data,
                                                  size_t size,
                                                  const en_ancillary_t *ancillary,
                                                  int64_t timeout_ms);

/**
 * Receives one packet, which is the caller's to release. What is buffered comes first, without a
 * system call. A time-out loses nothing of what has arrived.
 *
 * After the end of the stream every receive answers the same code; sending may still work. After
 * bytes that are no packet the next receive goes on behind them, where the protocol can tell where
 * that is: lines, delimiters, JSON, callbacks. After a length that cannot be or is above the
 * maximum, every receive answers the same code.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNABORTED` (the peer ended the stream),
 * `EN_ETRUNCATED` (in the middle of a packet), `EN_ECONNRESET`, `EN_ECONNTIMEDOUT`,
 * `EN_EHOSTUNREACH`, `EN_ENETUNREACH`, `EN_ETLS_...`, `EN_EBADMSG` (no packet), `EN_EMSGSIZE`
 * (above the maximum), `EN_ECLOSED`, `EN_ENOTCONN`, `EN_EBUSY` (another call is at it),
 * `EN_EOPNOTSUPP` (the other direction only), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of
 * callbacks. See recv(2).
 */
int en_stream_endpoint_recv_packet(en_stream_endpoint_t *endpoint,
                                   int64_t timeout_ms,
                                   en_packet_t *packet);

/**
 * Receives one packet into `capacity` bytes at `buffer`. `*size` is always set: to the size of
 * the packet, also when that is larger than the buffer, and to 0 if there was no packet.
 *
 * Thread-safe.
 *
 * Errors: those of `en_stream_endpoint_recv_packet`; `EN_EMSGSIZE` also if the packet does not
 * fit: it waits for the next receive.
 */
int en_stream_endpoint_recv_packet_into(en_stream_endpoint_t *endpoint,
                                        void *buffer,
                                        size_t capacity,
                                        int64_t timeout_ms,
                                        size_t *size);

/**
 * Receives at least one and at most `capacity` packets: waits for the first as
 * `en_stream_endpoint_recv_packet` does, and takes those that are there with it. `*count` is
 * always set; so many packets are the caller's to release. An error behind the first packet is
 * reported by the next receive.
 *
 * Thread-safe.
 *
 * Errors: those of `en_stream_endpoint_recv_packet`.
 */
int en_stream_endpoint_recv_packets(en_stream_endpoint_t *endpoint,
                                    en_packet_t *packets,
                                    size_t capacity,
                                    int64_t timeout_ms,
                                    size_t *count);

/**
 * Makes an iterator over the packets that come: `timeout_ms` is a budget for all of them together
 * (`EN_TIMEOUT_NONE` takes what is there). End it with `en_packet_iter_free`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_endpoint_iter_received_packets(en_packet_iter_t **out,
                                             en_stream_endpoint_t *endpoint,
                                             int64_t timeout_ms);

/**
 * 1 if the next receive would answer without a system call, 0 if not, or if another thread is
 * receiving. Who polls the descriptor receives until this is 0 before polling again. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_stream_endpoint_has_buffered(en_stream_endpoint_t *endpoint);

/**
 * Receives one packet, which is the caller's to release, and what came with it. What is buffered
 * comes first, and with nothing; otherwise this is exactly one receive from the system, with
 * `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192). That may begin with
 * packets that were sent before, and with nothing: the first of them then comes with what is not its own.
 *
 * `ancillary` is always replaced: it holds what came even if there was no packet, and nothing if
 * nothing came. What it held before, also to be sent, is forgotten, and descriptors are closed.
 * When part of a packet came, its bytes wait for a later receive.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_stream_endpoint_recv_packet`; `EN_ENOMSG` (less than a whole packet has
 * come), `EN_EINVAL` also for too much room. `EN_EOPNOTSUPP` also if the transport carries none.
 * See unix(7).
 */
int en_stream_endpoint_recv_packet_with_ancillary(en_stream_endpoint_t *endpoint,
                                                  size_t control_room,
                                                  int64_t timeout_ms,
                                                  en_ancillary_t *ancillary,
                                                  en_packet_t *packet);

/**
 * Closes the endpoint and its transport, for all that have a hold on that: calls that wait answer
 * `EN_ECLOSED`, and so do all later ones. It waits for nobody, but for the write buffer to go out,
 * behind what another endpoint is in the midst of, and, over TLS, for the peer's end of it, at
 * most the shutdown time-out. A second time it does nothing.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`; `EN_ETIMEDOUT` and those of `en_stream_endpoint_flush` if the write buffer
 * did not go out, what the `close` callback of the transport answered. It is closed in any case,
 * but with `EN_EFORKED` (in a child that cannot use it).
 */
int en_stream_endpoint_close(en_stream_endpoint_t *endpoint);

/**
 * Closes the endpoint and its transport at once: what is in the write buffer is lost.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_endpoint_abort(en_stream_endpoint_t *endpoint);

/**
 * 1 if the endpoint or its transport is closed, by whomever, 0 if not. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_endpoint_is_closed(const en_stream_endpoint_t *endpoint);

/**
 * Ends the handle; NULL is nothing. The transport is left to those who have a hold on it, too: it
 * is closed when its last holder is closed or freed. What was received and is not taken yet is
 * lost, what is in the write buffer is sent as far as it goes at once. Calls that are still
 * inside are woken, which closes the transport, and waited for. No call may begin any more. In a
 * callback of the same endpoint it takes effect when that has returned.
 *
 * One thread at a time.
 */
void en_stream_endpoint_free(en_stream_endpoint_t *endpoint);

/**
 * Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) of the transport to `value`, where there
 * is room for `*size` bytes; `*size` becomes its size, also when that is too large. Never waits.
 *
 * Thread-safe.
 *
 * Errors: those of `en_stream_transport_get_attribute`.
 */
int en_stream_endpoint_get_attribute(const en_stream_endpoint_t *endpoint,
                                     int attribute,
                                     void *value,
                                     size_t *size);

/**
 * What TLS has agreed on: `*info` is the caller's to free. Never waits.
 *
 * Thread-safe.
 *
 * Errors: those of `en_stream_transport_get_tls_info`.
 */
int en_stream_endpoint_get_tls_info(const en_stream_endpoint_t *endpoint, en_tls_info_t **info);

/**
 * The descriptor to poll for receiving, or else for sending; -1 if there is none, if the endpoint
 * is closed, or NULL. It stays the transport's. Never waits.
 *
 * Thread-safe.
 */
int en_stream_endpoint_fileno(const en_stream_endpoint_t *endpoint);

/**
 * How many bytes each receive asks the system for, as `*size`; when the library chooses, what it
 * has chosen last. 0 if it only sends. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_stream_endpoint_max_recv_size(const en_stream_endpoint_t *endpoint, size_t *size);

/**
 * What the endpoint has done so far; also after it is closed. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_stream_endpoint_get_stats(const en_stream_endpoint_t *endpoint, en_stats_t *stats);

/**
 * Makes an endpoint that receives and sends packets. Transport, protocol and options (NULL: all
 * defaults) stay the caller's and may be freed when the call returns.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`.
 */
int en_datagram_endpoint_new(en_datagram_endpoint_t **out,
                             const en_datagram_transport_t *transport,
                             const en_datagram_protocol_t *protocol,
                             const en_endpoint_options_t *options);

/**
 * Makes an endpoint that only receives: sending answers `EN_EOPNOTSUPP`. Transport, protocol and
 * options (NULL: all defaults) stay the caller's and may be freed when the call returns.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`.
 */
int en_datagram_endpoint_new_receiver(en_datagram_endpoint_t **out,
                                      const en_datagram_transport_t *transport,
                                      const en_datagram_protocol_t *protocol,
                                      const en_endpoint_options_t *options);

/**
 * Makes an endpoint that only sends: receiving answers `EN_EOPNOTSUPP`. Transport, protocol and
 * options (NULL: all defaults) stay the caller's and may be freed when the call returns.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed), `EN_EFORKED`.
 */
int en_datagram_endpoint_new_sender(en_datagram_endpoint_t **out,
                                    const en_datagram_transport_t *transport,
                                    const en_datagram_protocol_t *protocol,
                                    const en_endpoint_options_t *options);

/**
 * The endpoint through what all blocking clients have in common: borrowed, it ends with
 * `endpoint`. NULL for NULL.
 *
 * Thread-safe.
 */
en_client_t *en_datagram_endpoint_as_client(en_datagram_endpoint_t *endpoint);

/**
 * Sends one packet of `size` bytes as one datagram. `(NULL, 0)` is an empty packet.
 *
 * A peer that does not keep up makes a send wait. The endpoint stays usable after every error but
 * those of closing.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (also a packet that the protocol cannot carry), `EN_EMSGSIZE` (too large for
 * the protocol or for one datagram), `EN_ETIMEDOUT`, `EN_ECLOSED`, `EN_ECONNREFUSED` (UDP: as an
 * earlier datagram found, and so with other ICMP errors; Unix: nobody has the peer's socket any
 * more; this packet was not sent), `EN_ENOTCONN`, `EN_EPERM` (a firewall; Unix: the peer has
 * another peer), `EN_EPIPE` (Unix: the peer receives no more), `EN_ECONNRESET`, `EN_ENOBUFS`,
 * `EN_EBUSY` (another call is at it), `EN_EOPNOTSUPP` (the other direction only), `EN_ECANCELED`,
 * `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See send(2), udp(7), unix(7).
 */
int en_datagram_endpoint_send_packet(en_datagram_endpoint_t *endpoint,
                                     const void *data,
                                     size_t size,
                                     int64_t timeout_ms);

/**
 * Sends one packet that lies in `count` parts, without putting them together first.
 *
 * Thread-safe.
 *
 * Errors: those of `en_datagram_endpoint_send_packet`.
 */
int en_datagram_endpoint_send_packet_slices(en_datagram_endpoint_t *endpoint,
                                            const en_slice_t *parts,
                                            size_t count,
                                            int64_t timeout_ms);

/**
 * Sends `count` packets, a datagram each, in as few system calls as possible. `*sent` is always
 * set: how many went out.
 *
 * Thread-safe.
 *
 * Errors: those of `en_datagram_endpoint_send_packet`, of the first packet that did not go.
 */
int en_datagram_endpoint_send_packets(en_datagram_endpoint_t *endpoint,
                                      const en_slice_t *packets,
                                      size_t count,
                                      int64_t timeout_ms,
                                      size_t *sent);

/**
 * Sends one packet of `size` bytes, and `ancillary` with it, in one system call: at once or not
 * at all. The descriptors in it stay the caller's.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_datagram_endpoint_send_packet`; `EN_EINVAL` also for a packet without a byte
 * and for more than 253 descriptors, `EN_EMSGSIZE` (does not fit at once), `EN_EBADF` (a descriptor
 * that is not open), `EN_EPERM` also for credentials of somebody else, `EN_ESRCH` (of nobody),
 * `EN_ETOOMANYREFS`. `EN_EOPNOTSUPP` also if the transport carries none. See unix(7).
 */
int en_datagram_endpoint_send_packet_with_ancillary(en_datagram_endpoint_t *endpoint,
                                                    const void *data,
                                                    size_t size,
                                                    const en_ancillary_t *ancillary,
                                                    int64_t timeout_ms);

/**
 * Receives one packet, which is the caller's to release. What is buffered comes first, without a
 * system call. After an error the next receive goes on with the next datagram.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ETIMEDOUT`, `EN_ECONNREFUSED` and other ICMP errors of UDP (once
 * each), `EN_ECONNRESET` (the peer is connected elsewhere), `EN_EMSGSIZE` (a datagram above
 * the maximum datagram size, which the message names; it is gone), `EN_EBADMSG` (no packet),
 * `EN_ECLOSED`, `EN_EBUSY` (another call is at it), `EN_EOPNOTSUPP` (the other direction
 * only), `EN_ECANCELED`, `EN_EDEADLK`, `EN_EFORKED`, codes of callbacks. See recv(2), unix(7).
 */
int en_datagram_endpoint_recv_packet(en_datagram_endpoint_t *endpoint,
                                     int64_t timeout_ms,
                                     en_packet_t *packet);

/**
 * Receives one packet into `capacity` bytes at `buffer`. `*size` is always set: to the size of
 * the packet, also when that is larger than the buffer, and to 0 if there was no packet.
 *
 * Thread-safe.
 *
 * Errors: those of `en_datagram_endpoint_recv_packet`; `EN_EMSGSIZE` also if the packet does not
 * fit: it waits for the next receive.
 */
int en_datagram_endpoint_recv_packet_into(en_datagram_endpoint_t *endpoint,
                                          void *buffer,
                                          size_t capacity,
                                          int64_t timeout_ms,
                                          size_t *size);

/**
 * Receives at least one and at most `capacity` packets: waits for the first as
 * `en_datagram_endpoint_recv_packet` does, and takes those that are there with it. `*count` is
 * always set; so many packets are the caller's to release. An error behind the first packet is
 * reported by the next receive.
 *
 * Thread-safe.
 *
 * Errors: those of `en_datagram_endpoint_recv_packet`.
 */
int en_datagram_endpoint_recv_packets(en_datagram_endpoint_t *endpoint,
                                      en_packet_t *packets,
                                      size_t capacity,
                                      int64_t timeout_ms,
                                      size_t *count);

/**
 * Makes an iterator over the packets that come: `timeout_ms` is a budget for all of them together
 * (`EN_TIMEOUT_NONE` takes what is there). End it with `en_packet_iter_free`.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_datagram_endpoint_iter_received_packets(en_packet_iter_t **out,
                                               en_datagram_endpoint_t *endpoint,
                                               int64_t timeout_ms);

/**
 * 1 if the next receive would answer without a system call, 0 if not, or if another thread is
 * receiving. Who polls the descriptor receives until this is 0 before polling again. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_datagram_endpoint_has_buffered(en_datagram_endpoint_t *endpoint);

/**
 * Receives one packet, which is the caller's to release, and what came with it. What is buffered
 * comes first, and with nothing; otherwise this is exactly one receive from the system, with
 * `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192).
 *
 * `ancillary` is always replaced: it holds what came even if there was no packet, and nothing if
 * nothing came. What it held before, also to be sent, is forgotten, and descriptors are closed.
 *
 * Thread-safe. The `ancillary` object is for one thread at a time.
 *
 * Errors: those of `en_datagram_endpoint_recv_packet`; `EN_EINVAL` also for too much room.
 * `EN_EOPNOTSUPP` also if the transport carries none. See unix(7).
 */
int en_datagram_endpoint_recv_packet_with_ancillary(en_datagram_endpoint_t *endpoint,
                                                    size_t control_room,
                                                    int64_t timeout_ms,
                                                    en_ancillary_t *ancillary,
                                                    en_packet_t *packet);

/**
 * Closes the endpoint and its transport, for all that have a hold on that: calls that wait answer
 * `EN_ECLOSED`, and so do all later ones. It waits for nobody. A second time it does nothing.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, what the `close` callback of the transport answered. It is closed in any
 * case, but with `EN_EFORKED` (in a child that cannot use it).
 */
int en_datagram_endpoint_close(en_datagram_endpoint_t *endpoint);

/**
 * The same as `en_datagram_endpoint_close`: nothing is ever put aside.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_datagram_endpoint_abort(en_datagram_endpoint_t *endpoint);

/**
 * 1 if the endpoint or its transport is closed, by whomever, 0 if not. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_datagram_endpoint_is_closed(const en_datagram_endpoint_t *endpoint);

/**
 * Ends the handle; NULL is nothing. The transport is left to those who have a hold on it, too: it
 * is closed when its last holder is closed or freed. What was received and is not taken yet is
 * lost. Calls that are still inside are woken, which closes the transport, and waited for. No
 * call may begin any more. In a callback of the same endpoint it takes effect when that has
 * returned.
 *
 * One thread at a time.
 */
void en_datagram_endpoint_free(en_datagram_endpoint_t *endpoint);

/**
 * Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) of the transport to `value`, where there
 * is room for `*size` bytes; `*size` becomes its size, also when that is too large. Never waits.
 *
 * Thread-safe.
 *
 * Errors: those of `en_datagram_transport_get_attribute`.
 */
int en_datagram_endpoint_get_attribute(const en_datagram_endpoint_t *endpoint,
                                       int attribute,
                                       void *value,
                                       size_t *size);

/**
 * The descriptor to poll for receiving, or else for sending; -1 if there is none, if the endpoint
 * is closed, or NULL. It stays the transport's. Never waits.
 *
 * Thread-safe.
 */
int en_datagram_endpoint_fileno(const en_datagram_endpoint_t *endpoint);

/**
 * The largest datagram that this endpoint receives, in bytes, as `*size`; 0 if it only sends. Never
 * waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`.
 */
int en_datagram_endpoint_max_recv_size(const en_datagram_endpoint_t *endpoint, size_t *size);

/**
 * What the endpoint has done so far; also after it is closed. Never waits.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_datagram_endpoint_get_stats(const en_datagram_endpoint_t *endpoint, en_stats_t *stats);

/**
 * Makes a loop with nothing on it.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EMFILE`, `EN_ENFILE`, `EN_ENOMEM`. See epoll(7).
 */
int en_loop_new(en_loop_t **out);

/**
 * Runs the loop until it is stopped, or until no operation, timer, watch, started receive or posted call
 * is left. Clients that wait for nothing do not keep it running.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EBUSY` (called inside a callback, or while another thread runs it),
 * `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_loop_run(en_loop_t *loop);

/**
 * Waits until there is something to do, at most `timeout_ms` milliseconds (negative: for ever; 0:
 * not at all), and does it. For programs whose own loop watches `en_loop_fd`, or that look for
 * something now and then, such as Ctrl-C. A signal ends the wait early.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EBUSY` (called inside a callback, or while another thread runs it),
 * `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_loop_run_once(en_loop_t *loop, int64_t timeout_ms);

/**
 * Lets the loop look for so many microseconds again and again before it sleeps: less latency for a
 * processor kept busy. At most 1000000; 0, the default, is not at all. Who watches `en_loop_fd` sleeps
 * elsewhere.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_loop_set_busy_poll(en_loop_t *loop,
                          uint32_t microseconds);

/**
 * Makes `en_loop_run` return; one that runs later returns at once, once.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EFORKED`.
 */
int en_loop_stop(en_loop_t *loop);

/**
 * Has the loop call `callback` with `user_data` soon, once: with `EN_OK`, or with `EN_ECANCELED` if
 * the loop is freed before.
 *
 * Thread-safe.
 *
 * Errors: `EN_EINVAL`, `EN_EFORKED`.
 */
int en_loop_post(en_loop_t *loop, en_loop_callback_t callback, void *user_data);

/**
 * A descriptor that is readable when `en_loop_run_once` has something to do, timers included: to be
 * watched by another loop, level-triggered. It stays the loop's. A negative code if there is none.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EFORKED`, `EN_EMFILE`, `EN_ENFILE`, `EN_ENOMEM`,
 * `EN_ENOSPC`.
 */
int en_loop_fd(en_loop_t *loop);

/**
 * In how many milliseconds the loop next has something to do by itself: `*timeout_ms` is -1 if it is
 * only waiting for descriptors, 0 if it has something to do now.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_loop_next_timeout(en_loop_t *loop,
                         int64_t *timeout_ms);

/**
 * Calls `callback` with `user_data` and `EN_OK` after `delay_ms` milliseconds, and then every
 * `interval_ms` (0: once). Its number is put into `*operation` (may be NULL): `en_loop_cancel` ends
 * it, and then the callback comes a last time with `EN_ECANCELED`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL` (a negative time), `EN_ECLOSED`, `EN_EFORKED`, `EN_ENFILE` (there are too
 * many on the loop).
 */
int en_loop_start_timer(en_loop_t *loop,
                        int64_t delay_ms,
                        int64_t interval_ms,
                        en_loop_callback_t callback,
                        void *user_data,
                        uint64_t *operation);

/**
 * Calls `callback` with `user_data` and `EN_OK` whenever `fd` is ready for what `interest` says
 * (`EN_INTEREST_...`, one or both; an error or a hang-up is both), again in each turn as long as it is:
 * a descriptor of the application's own, such as a listening socket, a pipe or a signalfd(2). The number
 * of the watch is put into `*operation` (may be NULL): `en_loop_cancel` ends it, and then the callback
 * comes a last time with `EN_ECANCELED`. `fd` stays the caller's; the loop has a duplicate meanwhile,
 * so cancel before you close it.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_EPERM` (what is always ready, such as a regular file),
 * `EN_ECLOSED`, `EN_EFORKED`, `EN_EMFILE`, `EN_ENFILE`, `EN_ENOMEM`, `EN_ENOSPC`. See epoll_ctl(2).
 */
int en_loop_start_watch(en_loop_t *loop,
                        int fd,
                        int interest,
                        en_loop_callback_t callback,
                        void *user_data,
                        uint64_t *operation);

/**
 * Ends the operation with this number before its time: its callback comes once, later, with
 * `EN_ECANCELED`. One that has ended, or is decided already, is left alone; so is 0.
 *
 * A receive that is cancelled loses nothing. A send that is cancelled after part of it has gone ends
 * the sending direction.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EFORKED`.
 */
int en_loop_cancel(en_loop_t *loop,
                   uint64_t operation);

/**
 * Ends the loop; NULL is nothing. What is pending on it calls back before this returns, with
 * `EN_ECANCELED` or what was decided already; inside a callback, when the loop gets control back. Clients
 * on it end with it, their handles do not; what is in their write buffers gets one attempt that does not
 * wait.
 *
 * Loop thread only.
 */
void en_loop_free(en_loop_t *loop);

/**
 * Sends one packet; see the function of the same name of the client's family.
 *
 * Loop thread only.
 *
 * Errors: those of the family's function.
 */
int en_async_client_send_packet(en_async_client_t *client,
                                const void *data,
                                size_t size,
                                int64_t timeout_ms,
                                en_async_done_t callback,
                                void *user_data,
                                uint64_t *operation);

/**
 * Receives one packet; see the function of the same name of the client's family.
 *
 * Loop thread only.
 *
 * Errors: those of the family's function.
 */
int en_async_client_recv_packet(en_async_client_t *client,
                                int64_t timeout_ms,
                                en_async_received_t callback,
                                void *user_data,
                                uint64_t *operation);

/**
 * Receives packet after packet within a budget of time; see the function of the same name of the
 * client's family.
 *
 * Loop thread only.
 *
 * Errors: those of the family's function.
 */
int en_async_client_iter_received_packets(en_async_client_t *client,
                                          int64_t timeout_ms,
                                          en_async_receive_t callback,
                                          void *user_data,
                                          uint64_t *operation);

/**
 * Closes the client; see the function of the same name of the client's family.
 *
 * Loop thread only.
 *
 * Errors: those of the family's function.
 */
int en_async_client_close(en_async_client_t *client,
                          int64_t timeout_ms,
                          en_async_done_t callback,
                          void *user_data,
                          uint64_t *operation);

/**
 * 1 if the client is closed or about to be, 0 if not.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_async_client_is_closing(const en_async_client_t *client);

/**
 * The descriptor; -1 if the client has none, and for NULL. It stays the client's.
 *
 * Loop thread only.
 */
int en_async_client_fileno(const en_async_client_t *client);

/**
 * Makes a client on `loop` that will connect to `host`, a name or a numeric address, at `port`.
 * It begins with the first operation that needs it; what fails then may be tried again. Protocol
 * and options (NULL: all defaults) stay the caller's and may be freed when the call returns.
 * Cancel switch, retry interval, waiting function and busy poll of the options are for calls that
 * block, and ignored.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`, `EN_ENFILE` (too many
 * clients).
 */
int en_async_tcp_client_new(en_async_tcp_client_t **out,
                            en_loop_t *loop,
                            const char *host,
                            uint16_t port,
                            const en_stream_protocol_t *protocol,
                            const en_tcp_options_t *options);

/**
 * Makes a client on `loop` that will connect to one of the `count` `addresses`, tried as RFC 8305
 * says in their order. TLS needs a name of its own then. Otherwise as `en_async_tcp_client_new`.
 *
 * Loop thread only.
 *
 * Errors: those of `en_async_tcp_client_new`.
 */
int en_async_tcp_client_new_addresses(en_async_tcp_client_t **out,
                                      en_loop_t *loop,
                                      const en_address_t *const *addresses,
                                      size_t count,
                                      const en_stream_protocol_t *protocol,
                                      const en_tcp_options_t *options);

/**
 * Makes a client on `loop` of the connected socket `fd`. From success on the descriptor is the
 * library's; after a failure it is still the caller's. Protocol and options (NULL: all defaults)
 * stay the caller's.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE`, `EN_EAFNOSUPPORT`,
 * `EN_ENOTCONN`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`, `EN_ENFILE` (too many clients),
 * codes of callbacks.
 */
int en_async_tcp_client_from_fd(en_async_tcp_client_t **out,
                                en_loop_t *loop,
                                int fd,
                                const en_stream_protocol_t *protocol,
                                const en_tcp_options_t *options);

/**
 * The client through what all clients on a loop have in common: borrowed, it ends with `client`.
 * NULL for NULL.
 *
 * Loop thread only.
 */
en_async_client_t *en_async_tcp_client_as_async_client(en_async_tcp_client_t *client);

/**
 * Waits until the client is connected, at most `timeout_ms` milliseconds; it begins to connect if
 * need be.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
 * connecting, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_tcp_client_wait_connected(en_async_tcp_client_t *client,
                                       int64_t timeout_ms,
                                       en_async_done_t callback,
                                       void *user_data,
                                       uint64_t *operation);

/**
 * Sends one packet of `size` bytes at `data`, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_tcp_client_send_packet(en_async_tcp_client_t *client,
                                    const void *data,
                                    size_t size,
                                    int64_t timeout_ms,
                                    en_async_done_t callback,
                                    void *user_data,
                                    uint64_t *operation);

/**
 * Sends one packet that lies in `count` parts, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_tcp_client_send_packet_slices(en_async_tcp_client_t *client,
                                           const en_slice_t *parts,
                                           size_t count,
                                           int64_t timeout_ms,
                                           en_async_done_t callback,
                                           void *user_data,
                                           uint64_t *operation);

/**
 * Sends `count` packets in as few system calls as possible; none if one of them cannot be
 * encoded. `timeout_ms` is in milliseconds. The callback is told how many have gone.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_tcp_client_send_packets(en_async_tcp_client_t *client,
                                     const en_slice_t *packets,
                                     size_t count,
                                     int64_t timeout_ms,
                                     en_async_sent_t callback,
                                     void *user_data,
                                     uint64_t *operation);

/**
 * Sends what is in the write buffer, behind all that waits to be sent. `timeout_ms` is in
 * milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
 * sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_tcp_client_flush(en_async_tcp_client_t *client,
                              int64_t timeout_ms,
                              en_async_done_t callback,
                              void *user_data,
                              uint64_t *operation);

/**
 * Sends the end of the stream behind everything that waits to be sent; receiving goes on. A second
 * time, and when it is closed, it does nothing. `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EDEADLK`, `EN_EFORKED`; to the
 * callback `EN_EOPNOTSUPP` (TLS), `EN_ETIMEDOUT`, `EN_ECANCELED`, and those of
 * `en_async_tcp_client_flush` if there is something in the write buffer.
 */
int en_async_tcp_client_send_eof(en_async_tcp_client_t *client,
                                 int64_t timeout_ms,
                                 en_async_done_t callback,
                                 void *user_data,
                                 uint64_t *operation);

/**
 * Receives one packet, which is the callback's to release. `timeout_ms` is in milliseconds. A
 * receive that is cancelled or timed out loses nothing.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is
 * under way); to the callback those of receiving, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_tcp_client_recv_packet(en_async_tcp_client_t *client,
                                    int64_t timeout_ms,
                                    en_async_received_t callback,
                                    void *user_data,
                                    uint64_t *operation);

/**
 * Receives at least one packet and at most `capacity`: waits for the first, and takes those that
 * are there with it. `timeout_ms` is in milliseconds.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`
 * (`en_async_tcp_client_recv_start` is under way); to the callback those of receiving,
 * `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_tcp_client_recv_packets(en_async_tcp_client_t *client,
                                     size_t capacity,
                                     int64_t timeout_ms,
                                     en_async_received_packets_t callback,
                                     void *user_data,
                                     uint64_t *operation);

/**
 * Receives every packet until `callback`, which is called with `user_data` and releases them,
 * answers that it has enough, until `en_async_tcp_client_recv_stop`, or until an error, which
 * ends it. While it is not asked for more nothing is read, so the peer has to wait. The number is
 * put into `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (another receive is
 * under way); to the callback those of receiving, `EN_ECANCELED`.
 */
int en_async_tcp_client_recv_start(en_async_tcp_client_t *client,
                                   en_async_receive_t callback,
                                   void *user_data,
                                   uint64_t *operation);

/**
 * Ends `en_async_tcp_client_recv_start` or `en_async_tcp_client_iter_received_packets`; the
 * callback is not called again. Nothing if neither is under way.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_tcp_client_recv_stop(en_async_tcp_client_t *client);

/**
 * As `en_async_tcp_client_recv_start`, with a budget of `timeout_ms` milliseconds for all the
 * time that it waits.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`; to the callback
 * those of receiving, `EN_ETIMEDOUT` (the budget is spent), `EN_ECANCELED`.
 */
int en_async_tcp_client_iter_received_packets(en_async_tcp_client_t *client,
                                              int64_t timeout_ms,
                                              en_async_receive_t callback,
                                              void *user_data,
                                              uint64_t *operation);

/**
 * Closes the client: receives end with `EN_ECLOSED`, what waits to be sent still goes out, and
 * TLS takes leave; for at most `timeout_ms` milliseconds and the shutdown time-out of the
 * options. Past these, or cancelled, it is abrupt. In every case the client ends closed.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`; to the callback
 * `EN_ETIMEDOUT`, `EN_ECANCELED` (it was abrupt), those of sending.
 */
int en_async_tcp_client_close(en_async_tcp_client_t *client,
                              int64_t timeout_ms,
                              en_async_done_t callback,
                              void *user_data,
                              uint64_t *operation);

/**
 * 1 from when the client has been connected until it is closed here, 0 otherwise. That the peer has
 * ended the connection is told by operations.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_tcp_client_is_connected(const en_async_tcp_client_t *client);

/**
 * 1 if the client is closed or about to be, 0 if not.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_async_tcp_client_is_closing(const en_async_tcp_client_t *client);

/**
 * Ends the handle; NULL is nothing. What is pending calls back before this returns, with
 * `EN_ECANCELED` or what was decided already, and nothing does afterwards; inside a protocol
 * callback, when that has returned.
 * What the write buffer holds gets one attempt.
 *
 * Loop thread only.
 */
void en_async_tcp_client_free(en_async_tcp_client_t *client);

/**
 * The loop that the client is on; NULL when that was freed, and for NULL. The handle stays the
 * application's.
 *
 * Loop thread only.
 */
en_loop_t *en_async_tcp_client_loop(const en_async_tcp_client_t *client);

/**
 * The descriptor; -1 if the client has none, and for NULL. It stays the client's.
 *
 * Loop thread only.
 */
int en_async_tcp_client_fileno(const en_async_tcp_client_t *client);

/**
 * Puts the address of our end into `*address`, which is the caller's to free; once the client has
 * been connected, also afterwards.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet).
 */
int en_async_tcp_client_get_local_address(const en_async_tcp_client_t *client,
                                          en_address_t **address);

/**
 * Puts the address of the peer into `*address`, which is the caller's to free; once the client
 * has been connected, also afterwards.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet).
 */
int en_async_tcp_client_get_remote_address(const en_async_tcp_client_t *client,
                                           en_address_t **address);

/**
 * Reads a raw socket option into `value`, which has room for `*size` bytes; `*size` becomes how
 * many it has. `level` and `name` are those of getsockopt(2).
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of getsockopt(2).
 */
int en_async_tcp_client_getsockopt(const en_async_tcp_client_t *client,
                                   int level,
                                   int name,
                                   void *value,
                                   size_t *size);

/**
 * Sets a raw socket option to the `size` bytes at `value`. `level` and `name` are those of
 * setsockopt(2). Some are the library's own (`EN_EINVAL`): see `en_tcp_client_setsockopt`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of setsockopt(2).
 */
int en_async_tcp_client_setsockopt(en_async_tcp_client_t *client,
                                   int level,
                                   int name,
                                   const void *value,
                                   size_t size);

/**
 * Reads a socket `option` (`EN_OPTION_...`) into `*value`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of getsockopt(2).
 */
int en_async_tcp_client_get_option(const en_async_tcp_client_t *client,
                                   int option,
                                   int64_t *value);

/**
 * Sets a socket `option` (`EN_OPTION_...`) to `value`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of setsockopt(2).
 */
int en_async_tcp_client_set_option(en_async_tcp_client_t *client,
                                   int option,
                                   int64_t value);

/**
 * How many bytes each receive asks the system for, as `*size`; when the library chooses, what it
 * has chosen last.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (it has never been connected).
 */
int en_async_tcp_client_max_recv_size(const en_async_tcp_client_t *client, size_t *size);

/**
 * How many bytes of packets the client was given and the system has not taken yet, as `*size`:
 * those of sends that are not over, and what is in the write buffer. Who may send faster than the
 * peer reads stops while this is large; `en_async_tcp_client_flush` calls when all has gone. 0 once
 * it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_tcp_client_send_queue_size(const en_async_tcp_client_t *client, size_t *size);

/**
 * Puts what the client has done so far into `*stats`, of which `struct_size` is set; also after
 * it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_async_tcp_client_get_stats(const en_async_tcp_client_t *client, en_stats_t *stats);

/**
 * What TLS has agreed on: `*info` is the caller's to free.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENODATA` (the client does not speak TLS), `EN_ENOTCONN`, `EN_ECLOSED`,
 * `EN_EDEADLK`, `EN_EFORKED`.
 */
int en_async_tcp_client_get_tls_info(const en_async_tcp_client_t *client, en_tls_info_t **info);

/**
 * Makes a client on `loop` whose peer will be `host`, a name or a numeric address, at `port`. It
 * begins with the first operation that needs it; what fails then may be tried again. Protocol and
 * options (NULL: all defaults) stay the caller's and may be freed when the call returns. Cancel
 * switch, retry interval, waiting function and busy poll of the options are for calls that block,
 * and ignored.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`, `EN_ENFILE` (too many
 * clients).
 */
int en_async_udp_client_new(en_async_udp_client_t **out,
                            en_loop_t *loop,
                            const char *host,
                            uint16_t port,
                            const en_datagram_protocol_t *protocol,
                            const en_udp_options_t *options);

/**
 * Makes a client on `loop` of the connected socket `fd`. From success on the descriptor is the
 * library's; after a failure it is still the caller's. Protocol and options (NULL: all defaults)
 * stay the caller's. Datagrams that came before the socket was connected are received, too: see
 * `en_udp_client_from_fd`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE`, `EN_EAFNOSUPPORT`,
 * `EN_ENOTCONN`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`, `EN_ENFILE` (too many clients).
 */
int en_async_udp_client_from_fd(en_async_udp_client_t **out,
                                en_loop_t *loop,
                                int fd,
                                const en_datagram_protocol_t *protocol,
                                const en_udp_options_t *options);

/**
 * The client through what all clients on a loop have in common: borrowed, it ends with `client`.
 * NULL for NULL.
 *
 * Loop thread only.
 */
en_async_client_t *en_async_udp_client_as_async_client(en_async_udp_client_t *client);

/**
 * Waits until the client is connected, at most `timeout_ms` milliseconds; it begins to connect if
 * need be.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
 * connecting, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_udp_client_wait_connected(en_async_udp_client_t *client,
                                       int64_t timeout_ms,
                                       en_async_done_t callback,
                                       void *user_data,
                                       uint64_t *operation);

/**
 * Sends one packet of `size` bytes at `data`, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_udp_client_send_packet(en_async_udp_client_t *client,
                                    const void *data,
                                    size_t size,
                                    int64_t timeout_ms,
                                    en_async_done_t callback,
                                    void *user_data,
                                    uint64_t *operation);

/**
 * Sends one packet that lies in `count` parts, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_udp_client_send_packet_slices(en_async_udp_client_t *client,
                                           const en_slice_t *parts,
                                           size_t count,
                                           int64_t timeout_ms,
                                           en_async_done_t callback,
                                           void *user_data,
                                           uint64_t *operation);

/**
 * Sends `count` packets in as few system calls as possible; none if one of them cannot be
 * encoded. `timeout_ms` is in milliseconds. The callback is told how many have gone.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_udp_client_send_packets(en_async_udp_client_t *client,
                                     const en_slice_t *packets,
                                     size_t count,
                                     int64_t timeout_ms,
                                     en_async_sent_t callback,
                                     void *user_data,
                                     uint64_t *operation);

/**
 * Receives one packet, which is the callback's to release. `timeout_ms` is in milliseconds. A
 * receive that is cancelled or timed out loses nothing.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is
 * under way); to the callback those of receiving, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_udp_client_recv_packet(en_async_udp_client_t *client,
                                    int64_t timeout_ms,
                                    en_async_received_t callback,
                                    void *user_data,
                                    uint64_t *operation);

/**
 * Receives at least one packet and at most `capacity`: waits for the first, and takes those that
 * are there with it. `timeout_ms` is in milliseconds.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`
 * (`en_async_udp_client_recv_start` is under way); to the callback those of receiving,
 * `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_udp_client_recv_packets(en_async_udp_client_t *client,
                                     size_t capacity,
                                     int64_t timeout_ms,
                                     en_async_received_packets_t callback,
                                     void *user_data,
                                     uint64_t *operation);

/**
 * Receives every packet until `callback`, which is called with `user_data` and releases them,
 * answers that it has enough, until `en_async_udp_client_recv_stop`, or until an error, which
 * ends it. While it is not asked for more nothing is read, so the peer has to wait. The number is
 * put into `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (another receive is
 * under way); to the callback those of receiving, `EN_ECANCELED`.
 */
int en_async_udp_client_recv_start(en_async_udp_client_t *client,
                                   en_async_receive_t callback,
                                   void *user_data,
                                   uint64_t *operation);

/**
 * Ends `en_async_udp_client_recv_start` or `en_async_udp_client_iter_received_packets`; the
 * callback is not called again. Nothing if neither is under way.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_udp_client_recv_stop(en_async_udp_client_t *client);

/**
 * As `en_async_udp_client_recv_start`, with a budget of `timeout_ms` milliseconds for all the
 * time that it waits.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`; to the callback
 * those of receiving, `EN_ETIMEDOUT` (the budget is spent), `EN_ECANCELED`.
 */
int en_async_udp_client_iter_received_packets(en_async_udp_client_t *client,
                                              int64_t timeout_ms,
                                              en_async_receive_t callback,
                                              void *user_data,
                                              uint64_t *operation);

/**
 * Closes the client: receives end with `EN_ECLOSED`, and what waits to be sent still goes out; for
 * at most `timeout_ms` milliseconds, and 30 seconds. Past these, or cancelled, it is abrupt. In
 * every case the client ends closed.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`; to the callback
 * `EN_ETIMEDOUT`, `EN_ECANCELED` (it was abrupt), those of sending.
 */
int en_async_udp_client_close(en_async_udp_client_t *client,
                              int64_t timeout_ms,
                              en_async_done_t callback,
                              void *user_data,
                              uint64_t *operation);

/**
 * 1 if the client is connected, 0 if not.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_udp_client_is_connected(const en_async_udp_client_t *client);

/**
 * 1 if the client is closed or about to be, 0 if not.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_async_udp_client_is_closing(const en_async_udp_client_t *client);

/**
 * Ends the handle; NULL is nothing. What is pending calls back before this returns, with
 * `EN_ECANCELED` or what was decided already, and nothing does afterwards; inside a protocol
 * callback, when that has returned.
 *
 * Loop thread only.
 */
void en_async_udp_client_free(en_async_udp_client_t *client);

/**
 * The loop that the client is on; NULL when that was freed, and for NULL. The handle stays the
 * application's.
 *
 * Loop thread only.
 */
en_loop_t *en_async_udp_client_loop(const en_async_udp_client_t *client);

/**
 * The descriptor; -1 if the client has none, and for NULL. It stays the client's.
 *
 * Loop thread only.
 */
int en_async_udp_client_fileno(const en_async_udp_client_t *client);

/**
 * Puts the address of our end into `*address`, which is the caller's to free; once the client has
 * been connected, also afterwards.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet).
 */
int en_async_udp_client_get_local_address(const en_async_udp_client_t *client,
                                          en_address_t **address);

/**
 * Puts the address of the peer into `*address`, which is the caller's to free; once the client
 * has been connected, also afterwards.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet).
 */
int en_async_udp_client_get_remote_address(const en_async_udp_client_t *client,
                                           en_address_t **address);

/**
 * Reads a raw socket option into `value`, which has room for `*size` bytes; `*size` becomes how
 * many it has. `level` and `name` are those of getsockopt(2).
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of getsockopt(2).
 */
int en_async_udp_client_getsockopt(const en_async_udp_client_t *client,
                                   int level,
                                   int name,
                                   void *value,
                                   size_t *size);

/**
 * Sets a raw socket option to the `size` bytes at `value`. `level` and `name` are those of
 * setsockopt(2). Some are the library's own (`EN_EINVAL`): see `en_udp_client_setsockopt`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of setsockopt(2).
 */
int en_async_udp_client_setsockopt(en_async_udp_client_t *client,
                                   int level,
                                   int name,
                                   const void *value,
                                   size_t size);

/**
 * Reads a socket `option` (`EN_OPTION_...`) into `*value`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of getsockopt(2).
 */
int en_async_udp_client_get_option(const en_async_udp_client_t *client,
                                   int option,
                                   int64_t *value);

/**
 * Sets a socket `option` (`EN_OPTION_...`) to `value`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of setsockopt(2).
 */
int en_async_udp_client_set_option(en_async_udp_client_t *client,
                                   int option,
                                   int64_t value);

/**
 * The largest datagram that this client receives, in bytes, as `*size`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (it has never been connected).
 */
int en_async_udp_client_max_recv_size(const en_async_udp_client_t *client, size_t *size);

/**
 * How many bytes of datagrams the client was given and the system has not taken yet, as `*size`. Who may
 * send faster than they go stops while this is large. 0 once it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_udp_client_send_queue_size(const en_async_udp_client_t *client,
                                        size_t *size);

/**
 * Puts what the client has done so far into `*stats`, of which `struct_size` is set; also after
 * it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_async_udp_client_get_stats(const en_async_udp_client_t *client, en_stats_t *stats);

/**
 * Makes a client on `loop` that will connect to the socket at `address`. It begins with the first
 * operation that needs it; what fails then may be tried again. Address, protocol and options
 * (NULL: all defaults) stay the caller's and may be freed when the call returns. Cancel switch,
 * retry interval, waiting function and busy poll of the options are for calls that block, and
 * ignored.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`, `EN_ENFILE` (too many
 * clients).
 */
int en_async_unix_stream_client_new(en_async_unix_stream_client_t **out,
                                    en_loop_t *loop,
                                    const en_unix_address_t *address,
                                    const en_stream_protocol_t *protocol,
                                    const en_unix_stream_options_t *options);

/**
 * Makes a client on `loop` that will connect to the socket at `path`; otherwise as
 * `en_async_unix_stream_client_new`.
 *
 * Loop thread only.
 *
 * Errors: those of `en_async_unix_stream_client_new`, `EN_ENAMETOOLONG` (above 107 bytes).
 */
int en_async_unix_stream_client_new_path(en_async_unix_stream_client_t **out,
                                         en_loop_t *loop,
                                         const char *path,
                                         const en_stream_protocol_t *protocol,
                                         const en_unix_stream_options_t *options);

/**
 * Makes a client on `loop` of the connected socket `fd`. From success on the descriptor is the
 * library's; after a failure it is still the caller's. Protocol and options (NULL: all defaults)
 * stay the caller's.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE`, `EN_EAFNOSUPPORT`,
 * `EN_ENOTCONN`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`, `EN_ENFILE` (too many clients),
 * codes of callbacks.
 */
int en_async_unix_stream_client_from_fd(en_async_unix_stream_client_t **out,
                                        en_loop_t *loop,
                                        int fd,
                                        const en_stream_protocol_t *protocol,
                                        const en_unix_stream_options_t *options);

/**
 * The client through what all clients on a loop have in common: borrowed, it ends with `client`.
 * NULL for NULL.
 *
 * Loop thread only.
 */
en_async_client_t *en_async_unix_stream_client_as_async_client(en_async_unix_stream_client_t *client);

/**
 * Waits until the client is connected, at most `timeout_ms` milliseconds; it begins to connect if
 * need be.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
 * connecting, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_stream_client_wait_connected(en_async_unix_stream_client_t *client,
                                               int64_t timeout_ms,
                                               en_async_done_t callback,
                                               void *user_data,
                                               uint64_t *operation);

/**
 * Sends one packet of `size` bytes at `data`, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_stream_client_send_packet(en_async_unix_stream_client_t *client,
                                            const void *data,
                                            size_t size,
                                            int64_t timeout_ms,
                                            en_async_done_t callback,
                                            void *user_data,
                                            uint64_t *operation);

/**
 * Sends one packet that lies in `count` parts, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_stream_client_send_packet_slices(en_async_unix_stream_client_t *client,
                                                   const en_slice_t *parts,
                                                   size_t count,
                                                   int64_t timeout_ms,
                                                   en_async_done_t callback,
                                                   void *user_data,
                                                   uint64_t *operation);

/**
 * Sends `count` packets in as few system calls as possible; none if one of them cannot be
 * encoded. `timeout_ms` is in milliseconds. The callback is told how many have gone.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_stream_client_send_packets(en_async_unix_stream_client_t *client,
                                             const en_slice_t *packets,
                                             size_t count,
                                             int64_t timeout_ms,
                                             en_async_sent_t callback,
                                             void *user_data,
                                             uint64_t *operation);

/**
 * Sends what is in the write buffer, behind all that waits to be sent. `timeout_ms` is in
 * milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
 * sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_stream_client_flush(en_async_unix_stream_client_t *client,
                                      int64_t timeout_ms,
                                      en_async_done_t callback,
                                      void *user_data,
                                      uint64_t *operation);

/**
 * Sends the end of the stream behind everything that waits to be sent; receiving goes on. A second
 * time, and when it is closed, it does nothing. `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EDEADLK`, `EN_EFORKED`; to the
 * callback `EN_ETIMEDOUT`, `EN_ECANCELED`, and those of `en_async_unix_stream_client_flush` if
 * there is something in the write buffer.
 */
int en_async_unix_stream_client_send_eof(en_async_unix_stream_client_t *client,
                                         int64_t timeout_ms,
                                         en_async_done_t callback,
                                         void *user_data,
                                         uint64_t *operation);

/**
 * Sends one packet of `size` bytes at `data`, one at least, and `ancillary` with it, in one
 * piece: at once or not at all. What does not go at once is copied, and the descriptors in
 * `ancillary`, which stay the caller's, are duplicated. `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of callbacks;
 * to the callback those of sending, `EN_EMSGSIZE` (does not fit at once), `EN_EINVAL` (no byte,
 * more than 253 descriptors), `EN_EBADF`, `EN_EMFILE`, `EN_EPERM`, `EN_ESRCH`, `EN_ETOOMANYREFS`,
 * `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
 */
int en_async_unix_stream_client_send_packet_with_ancillary(en_async_unix_stream_client_t *client,
                                                           const void *data,
                                                           size_t size,
                                                           const en_ancillary_t *ancillary,
                                                           int64_t timeout_ms,
                                                           en_async_done_t callback,
                                                           void *user_data,
                                                           uint64_t *operation);

/**
 * Receives one packet, which is the callback's to release. `timeout_ms` is in milliseconds. A
 * receive that is cancelled or timed out loses nothing.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is
 * under way); to the callback those of receiving, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_stream_client_recv_packet(en_async_unix_stream_client_t *client,
                                            int64_t timeout_ms,
                                            en_async_received_t callback,
                                            void *user_data,
                                            uint64_t *operation);

/**
 * Receives one packet, and what came with it into `ancillary`, which the caller lends until the
 * operation is over: then it is replaced, also if there was no packet. What is buffered comes
 * first, and with nothing; otherwise this is exactly one receive from the system, with
 * `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192). `timeout_ms` is
 * in milliseconds.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is under
 * way); to the callback those of receiving, `EN_ENOMSG` (less than a whole packet has come),
 * `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
 */
int en_async_unix_stream_client_recv_packet_with_ancillary(en_async_unix_stream_client_t *client,
                                                           size_t control_room,
                                                           int64_t timeout_ms,
                                                           en_ancillary_t *ancillary,
                                                           en_async_received_t callback,
                                                           void *user_data,
                                                           uint64_t *operation);

/**
 * Receives at least one packet and at most `capacity`: waits for the first, and takes those that
 * are there with it. `timeout_ms` is in milliseconds.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`
 * (`en_async_unix_stream_client_recv_start` is under way); to the callback those of receiving,
 * `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_stream_client_recv_packets(en_async_unix_stream_client_t *client,
                                             size_t capacity,
                                             int64_t timeout_ms,
                                             en_async_received_packets_t callback,
                                             void *user_data,
                                             uint64_t *operation);

/**
 * Receives every packet until `callback`, which is called with `user_data` and releases them,
 * answers that it has enough, until `en_async_unix_stream_client_recv_stop`, or until an error,
 * which ends it. While it is not asked for more nothing is read, so the peer has to wait. The
 * number is put into `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (another receive is
 * under way); to the callback those of receiving, `EN_ECANCELED`.
 */
int en_async_unix_stream_client_recv_start(en_async_unix_stream_client_t *client,
                                           en_async_receive_t callback,
                                           void *user_data,
                                           uint64_t *operation);

/**
 * Ends `en_async_unix_stream_client_recv_start` or
 * `en_async_unix_stream_client_iter_received_packets`; the callback is not called again.
 * Nothing if neither is under way.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_unix_stream_client_recv_stop(en_async_unix_stream_client_t *client);

/**
 * As `en_async_unix_stream_client_recv_start`, with a budget of `timeout_ms` milliseconds for all
 * the time that it waits.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`; to the callback
 * those of receiving, `EN_ETIMEDOUT` (the budget is spent), `EN_ECANCELED`.
 */
int en_async_unix_stream_client_iter_received_packets(en_async_unix_stream_client_t *client,
                                                      int64_t timeout_ms,
                                                      en_async_receive_t callback,
                                                      void *user_data,
                                                      uint64_t *operation);

/**
 * Closes the client: receives end with `EN_ECLOSED`, and what waits to be sent still goes out; for
 * at most `timeout_ms` milliseconds and the shutdown time-out of the options. Past these, or
 * cancelled, it is abrupt. In every case the client ends closed.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`; to the callback
 * `EN_ETIMEDOUT`, `EN_ECANCELED` (it was abrupt), those of sending.
 */
int en_async_unix_stream_client_close(en_async_unix_stream_client_t *client,
                                      int64_t timeout_ms,
                                      en_async_done_t callback,
                                      void *user_data,
                                      uint64_t *operation);

/**
 * 1 from when the client has been connected until it is closed here, 0 otherwise. That the peer has
 * ended the connection is told by operations.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_unix_stream_client_is_connected(const en_async_unix_stream_client_t *client);

/**
 * 1 if the client is closed or about to be, 0 if not.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_async_unix_stream_client_is_closing(const en_async_unix_stream_client_t *client);

/**
 * Ends the handle; NULL is nothing. What is pending calls back before this returns, with
 * `EN_ECANCELED` or what was decided already, and nothing does afterwards; inside a protocol
 * callback, when that has returned.
 * What the write buffer holds gets one attempt.
 *
 * Loop thread only.
 */
void en_async_unix_stream_client_free(en_async_unix_stream_client_t *client);

/**
 * The loop that the client is on; NULL when that was freed, and for NULL. The handle stays the
 * application's.
 *
 * Loop thread only.
 */
en_loop_t *en_async_unix_stream_client_loop(const en_async_unix_stream_client_t *client);

/**
 * The descriptor; -1 if the client has none, and for NULL. It stays the client's.
 *
 * Loop thread only.
 */
int en_async_unix_stream_client_fileno(const en_async_unix_stream_client_t *client);

/**
 * Puts the name of our end into `*name`, which is the caller's to free; once the client has been
 * connected, also afterwards.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet).
 */
int en_async_unix_stream_client_get_local_name(const en_async_unix_stream_client_t *client,
                                               en_unix_address_t **name);

/**
 * Puts the name of the peer into `*name`, which is the caller's to free; once the client has been
 * connected, also afterwards.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet).
 */
int en_async_unix_stream_client_get_peer_name(const en_async_unix_stream_client_t *client,
                                              en_unix_address_t **name);

/**
 * Puts the credentials of the process at the other end, when the connection was made, into
 * `*credentials`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet). See unix(7), SO_PEERCRED.
 */
int en_async_unix_stream_client_get_peer_credentials(const en_async_unix_stream_client_t *client,
                                                     en_credentials_t *credentials);

/**
 * Reads a raw socket option into `value`, which has room for `*size` bytes; `*size` becomes how
 * many it has. `level` and `name` are those of getsockopt(2).
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of getsockopt(2).
 */
int en_async_unix_stream_client_getsockopt(const en_async_unix_stream_client_t *client,
                                           int level,
                                           int name,
                                           void *value,
                                           size_t *size);

/**
 * Sets a raw socket option to the `size` bytes at `value`. `level` and `name` are those of
 * setsockopt(2). Some are the library's own (`EN_EINVAL`): see `en_unix_stream_client_setsockopt`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of setsockopt(2).
 */
int en_async_unix_stream_client_setsockopt(en_async_unix_stream_client_t *client,
                                           int level,
                                           int name,
                                           const void *value,
                                           size_t size);

/**
 * Reads a socket `option` (`EN_OPTION_...`) into `*value`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of getsockopt(2).
 */
int en_async_unix_stream_client_get_option(const en_async_unix_stream_client_t *client,
                                           int option,
                                           int64_t *value);

/**
 * Sets a socket `option` (`EN_OPTION_...`) to `value`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of setsockopt(2).
 */
int en_async_unix_stream_client_set_option(en_async_unix_stream_client_t *client,
                                           int option,
                                           int64_t value);

/**
 * How many bytes each receive asks the system for, as `*size`; when the library chooses, what it
 * has chosen last.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (it has never been connected).
 */
int en_async_unix_stream_client_max_recv_size(const en_async_unix_stream_client_t *client,
                                              size_t *size);

/**
 * How many bytes of packets the client was given and the system has not taken yet, as `*size`:
 * those of sends that are not over, and what is in the write buffer. Who may send faster than the
 * peer reads stops while this is large; `en_async_unix_stream_client_flush` calls when all has
 * gone. 0 once it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_unix_stream_client_send_queue_size(const en_async_unix_stream_client_t *client,
                                                size_t *size);

/**
 * Puts what the client has done so far into `*stats`, of which `struct_size` is set; also after
 * it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_async_unix_stream_client_get_stats(const en_async_unix_stream_client_t *client,
                                          en_stats_t *stats);

/**
 * Makes a client on `loop` that will connect to the socket at `address`. It begins with the first
 * operation that needs it; what fails then may be tried again. Address, protocol and options
 * (NULL: all defaults) stay the caller's and may be freed when the call returns. Cancel switch,
 * retry interval, waiting function and busy poll of the options are for calls that block, and
 * ignored.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`, `EN_ENFILE` (too many
 * clients).
 */
int en_async_unix_datagram_client_new(en_async_unix_datagram_client_t **out,
                                      en_loop_t *loop,
                                      const en_unix_address_t *address,
                                      const en_datagram_protocol_t *protocol,
                                      const en_unix_datagram_options_t *options);

/**
 * Makes a client on `loop` that will connect to the socket at `path`; otherwise as
 * `en_async_unix_datagram_client_new`.
 *
 * Loop thread only.
 *
 * Errors: those of `en_async_unix_datagram_client_new`, `EN_ENAMETOOLONG` (above 107 bytes).
 */
int en_async_unix_datagram_client_new_path(en_async_unix_datagram_client_t **out,
                                           en_loop_t *loop,
                                           const char *path,
                                           const en_datagram_protocol_t *protocol,
                                           const en_unix_datagram_options_t *options);

/**
 * Makes a client on `loop` of the connected socket `fd`. From success on the descriptor is the
 * library's; after a failure it is still the caller's. Protocol and options (NULL: all defaults)
 * stay the caller's. Datagrams that came before the socket was connected are received, too: see
 * `en_unix_datagram_client_from_fd`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EBADF`, `EN_ENOTSOCK`, `EN_EPROTOTYPE`, `EN_EAFNOSUPPORT`,
 * `EN_ENOTCONN`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`, `EN_ENFILE` (too many clients).
 */
int en_async_unix_datagram_client_from_fd(en_async_unix_datagram_client_t **out,
                                          en_loop_t *loop,
                                          int fd,
                                          const en_datagram_protocol_t *protocol,
                                          const en_unix_datagram_options_t *options);

/**
 * The client through what all clients on a loop have in common: borrowed, it ends with `client`.
 * NULL for NULL.
 *
 * Loop thread only.
 */
en_async_client_t *en_async_unix_datagram_client_as_async_client(en_async_unix_datagram_client_t *client);

/**
 * Waits until the client is connected, at most `timeout_ms` milliseconds; it begins to connect if
 * need be.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
 * connecting, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_datagram_client_wait_connected(en_async_unix_datagram_client_t *client,
                                                 int64_t timeout_ms,
                                                 en_async_done_t callback,
                                                 void *user_data,
                                                 uint64_t *operation);

/**
 * Sends one packet of `size` bytes at `data`, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_datagram_client_send_packet(en_async_unix_datagram_client_t *client,
                                              const void *data,
                                              size_t size,
                                              int64_t timeout_ms,
                                              en_async_done_t callback,
                                              void *user_data,
                                              uint64_t *operation);

/**
 * Sends one packet that lies in `count` parts, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_datagram_client_send_packet_slices(en_async_unix_datagram_client_t *client,
                                                     const en_slice_t *parts,
                                                     size_t count,
                                                     int64_t timeout_ms,
                                                     en_async_done_t callback,
                                                     void *user_data,
                                                     uint64_t *operation);

/**
 * Sends `count` packets in as few system calls as possible; none if one of them cannot be
 * encoded. `timeout_ms` is in milliseconds. The callback is told how many have gone.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_datagram_client_send_packets(en_async_unix_datagram_client_t *client,
                                               const en_slice_t *packets,
                                               size_t count,
                                               int64_t timeout_ms,
                                               en_async_sent_t callback,
                                               void *user_data,
                                               uint64_t *operation);

/**
 * Sends one packet of `size` bytes at `data`, one at least, and `ancillary` with it, in one
 * piece: at once or not at all. What does not go at once is copied, and the descriptors in
 * `ancillary`, which stay the caller's, are duplicated. `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of callbacks;
 * to the callback those of sending, `EN_EMSGSIZE` (does not fit at once), `EN_EINVAL` (no byte,
 * more than 253 descriptors), `EN_EBADF`, `EN_EMFILE`, `EN_EPERM`, `EN_ESRCH`, `EN_ETOOMANYREFS`,
 * `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
 */
int en_async_unix_datagram_client_send_packet_with_ancillary(en_async_unix_datagram_client_t *client,
                                                             const void *data,
                                                             size_t size,
                                                             const en_ancillary_t *ancillary,
                                                             int64_t timeout_ms,
                                                             en_async_done_t callback,
                                                             void *user_data,
                                                             uint64_t *operation);

/**
 * Receives one packet, which is the callback's to release. `timeout_ms` is in milliseconds. A
 * receive that is cancelled or timed out loses nothing.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is
 * under way); to the callback those of receiving, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_datagram_client_recv_packet(en_async_unix_datagram_client_t *client,
                                              int64_t timeout_ms,
                                              en_async_received_t callback,
                                              void *user_data,
                                              uint64_t *operation);

/**
 * Receives one packet, and what came with it into `ancillary`, which the caller lends until the
 * operation is over: then it is replaced, also if there was no packet. What is buffered comes
 * first, and with nothing; otherwise this is exactly one receive from the system, with
 * `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192). `timeout_ms` is
 * in milliseconds.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is under
 * way); to the callback those of receiving, `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
 */
int en_async_unix_datagram_client_recv_packet_with_ancillary(en_async_unix_datagram_client_t *client,
                                                             size_t control_room,
                                                             int64_t timeout_ms,
                                                             en_ancillary_t *ancillary,
                                                             en_async_received_t callback,
                                                             void *user_data,
                                                             uint64_t *operation);

/**
 * Receives at least one packet and at most `capacity`: waits for the first, and takes those that
 * are there with it. `timeout_ms` is in milliseconds.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`
 * (`en_async_unix_datagram_client_recv_start` is under way); to the callback those of receiving,
 * `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_unix_datagram_client_recv_packets(en_async_unix_datagram_client_t *client,
                                               size_t capacity,
                                               int64_t timeout_ms,
                                               en_async_received_packets_t callback,
                                               void *user_data,
                                               uint64_t *operation);

/**
 * Receives every packet until `callback`, which is called with `user_data` and releases them,
 * answers that it has enough, until `en_async_unix_datagram_client_recv_stop`, or until an error,
 * which ends it. While it is not asked for more nothing is read, so the peer has to wait. The
 * number is put into `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (another receive is
 * under way); to the callback those of receiving, `EN_ECANCELED`.
 */
int en_async_unix_datagram_client_recv_start(en_async_unix_datagram_client_t *client,
                                             en_async_receive_t callback,
                                             void *user_data,
                                             uint64_t *operation);

/**
 * Ends `en_async_unix_datagram_client_recv_start` or
 * `en_async_unix_datagram_client_iter_received_packets`; the callback is not called again.
 * Nothing if neither is under way.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_unix_datagram_client_recv_stop(en_async_unix_datagram_client_t *client);

/**
 * As `en_async_unix_datagram_client_recv_start`, with a budget of `timeout_ms` milliseconds for
 * all the time that it waits.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`; to the callback
 * those of receiving, `EN_ETIMEDOUT` (the budget is spent), `EN_ECANCELED`.
 */
int en_async_unix_datagram_client_iter_received_packets(en_async_unix_datagram_client_t *client,
                                                        int64_t timeout_ms,
                                                        en_async_receive_t callback,
                                                        void *user_data,
                                                        uint64_t *operation);

/**
 * Closes the client: receives end with `EN_ECLOSED`, and what waits to be sent still goes out; for
 * at most `timeout_ms` milliseconds, and 30 seconds. Past these, or cancelled, it is abrupt. In
 * every case the client ends closed.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`; to the callback
 * `EN_ETIMEDOUT`, `EN_ECANCELED` (it was abrupt), those of sending.
 */
int en_async_unix_datagram_client_close(en_async_unix_datagram_client_t *client,
                                        int64_t timeout_ms,
                                        en_async_done_t callback,
                                        void *user_data,
                                        uint64_t *operation);

/**
 * 1 if the client is connected, 0 if not.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_unix_datagram_client_is_connected(const en_async_unix_datagram_client_t *client);

/**
 * 1 if the client is closed or about to be, 0 if not.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_async_unix_datagram_client_is_closing(const en_async_unix_datagram_client_t *client);

/**
 * Ends the handle; NULL is nothing. What is pending calls back before this returns, with
 * `EN_ECANCELED` or what was decided already, and nothing does afterwards; inside a protocol
 * callback, when that has returned.
 *
 * Loop thread only.
 */
void en_async_unix_datagram_client_free(en_async_unix_datagram_client_t *client);

/**
 * The loop that the client is on; NULL when that was freed, and for NULL. The handle stays the
 * application's.
 *
 * Loop thread only.
 */
en_loop_t *en_async_unix_datagram_client_loop(const en_async_unix_datagram_client_t *client);

/**
 * The descriptor; -1 if the client has none, and for NULL. It stays the client's.
 *
 * Loop thread only.
 */
int en_async_unix_datagram_client_fileno(const en_async_unix_datagram_client_t *client);

/**
 * Puts the name of our end into `*name`, which is the caller's to free; once the client has been
 * connected, also afterwards.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet).
 */
int en_async_unix_datagram_client_get_local_name(const en_async_unix_datagram_client_t *client,
                                                 en_unix_address_t **name);

/**
 * Puts the name of the peer into `*name`, which is the caller's to free; once the client has been
 * connected, also afterwards.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (not connected yet).
 */
int en_async_unix_datagram_client_get_peer_name(const en_async_unix_datagram_client_t *client,
                                                en_unix_address_t **name);

/**
 * Reads a raw socket option into `value`, which has room for `*size` bytes; `*size` becomes how
 * many it has. `level` and `name` are those of getsockopt(2).
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of getsockopt(2).
 */
int en_async_unix_datagram_client_getsockopt(const en_async_unix_datagram_client_t *client,
                                             int level,
                                             int name,
                                             void *value,
                                             size_t *size);

/**
 * Sets a raw socket option to the `size` bytes at `value`. `level` and `name` are those of
 * setsockopt(2). Some are the library's own (`EN_EINVAL`): see
 * `en_unix_datagram_client_setsockopt`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of setsockopt(2).
 */
int en_async_unix_datagram_client_setsockopt(en_async_unix_datagram_client_t *client,
                                             int level,
                                             int name,
                                             const void *value,
                                             size_t size);

/**
 * Reads a socket `option` (`EN_OPTION_...`) into `*value`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of getsockopt(2).
 */
int en_async_unix_datagram_client_get_option(const en_async_unix_datagram_client_t *client,
                                             int option,
                                             int64_t *value);

/**
 * Sets a socket `option` (`EN_OPTION_...`) to `value`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOPROTOOPT`, `EN_EOPNOTSUPP`, `EN_EPERM`, `EN_ENOTCONN`, `EN_ECLOSED`, `EN_EDEADLK`,
 * `EN_EFORKED`, those of setsockopt(2).
 */
int en_async_unix_datagram_client_set_option(en_async_unix_datagram_client_t *client,
                                             int option,
                                             int64_t value);

/**
 * The largest datagram that this client receives, in bytes, as `*size`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ENOTCONN` (it has never been connected).
 */
int en_async_unix_datagram_client_max_recv_size(const en_async_unix_datagram_client_t *client,
                                                size_t *size);

/**
 * How many bytes of datagrams the client was given and the system has not taken yet, as `*size`. Who may
 * send faster than they go stops while this is large. 0 once it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_unix_datagram_client_send_queue_size(const en_async_unix_datagram_client_t *client,
                                                  size_t *size);

/**
 * Puts what the client has done so far into `*stats`, of which `struct_size` is set; also after
 * it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_async_unix_datagram_client_get_stats(const en_async_unix_datagram_client_t *client,
                                            en_stats_t *stats);

/**
 * Makes an endpoint on `loop` that receives and sends packets. Transport, protocol and options
 * (NULL: all defaults) stay the caller's and may be freed when the call returns. Cancel switch,
 * retry interval, waiting function and busy poll of the options are for calls that block, and
 * ignored.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed, or the loop has ended),
 * `EN_EOPNOTSUPP` (no descriptor to wait for), `EN_EBADF` (one that is not open), `EN_EPERM` (one
 * that cannot be polled, such as a file's), `EN_EFORKED`, `EN_ENFILE` (too many clients),
 * `EN_EMFILE`, `EN_ENOMEM`, `EN_ENOSPC`, codes of callbacks.
 */
int en_async_stream_endpoint_new(en_async_stream_endpoint_t **out,
                                 en_loop_t *loop,
                                 const en_stream_transport_t *transport,
                                 const en_stream_protocol_t *protocol,
                                 const en_endpoint_options_t *options);

/**
 * Makes an endpoint on `loop` that only receives: sending answers `EN_EOPNOTSUPP`. Transport,
 * protocol and options (NULL: all defaults) stay the caller's and may be freed when the call
 * returns. Cancel switch, retry interval, waiting function and busy poll of the options are for
 * calls that block, and ignored.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed, or the loop has ended),
 * `EN_EOPNOTSUPP` (no descriptor to wait for), `EN_EBADF` (one that is not open), `EN_EPERM` (one
 * that cannot be polled, such as a file's), `EN_EFORKED`, `EN_ENFILE` (too many clients),
 * `EN_EMFILE`, `EN_ENOMEM`, `EN_ENOSPC`, codes of callbacks.
 */
int en_async_stream_endpoint_new_receiver(en_async_stream_endpoint_t **out,
                                          en_loop_t *loop,
                                          const en_stream_transport_t *transport,
                                          const en_stream_protocol_t *protocol,
                                          const en_endpoint_options_t *options);

/**
 * Makes an endpoint on `loop` that only sends: receiving answers `EN_EOPNOTSUPP`. Transport,
 * protocol and options (NULL: all defaults) stay the caller's and may be freed when the call
 * returns. Cancel switch, retry interval, waiting function and busy poll of the options are for
 * calls that block, and ignored.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed, or the loop has ended),
 * `EN_EOPNOTSUPP` (no descriptor to wait for), `EN_EBADF` (one that is not open), `EN_EPERM` (one
 * that cannot be polled, such as a file's), `EN_EFORKED`, `EN_ENFILE` (too many clients),
 * `EN_EMFILE`, `EN_ENOMEM`, `EN_ENOSPC`.
 */
int en_async_stream_endpoint_new_sender(en_async_stream_endpoint_t **out,
                                        en_loop_t *loop,
                                        const en_stream_transport_t *transport,
                                        const en_stream_protocol_t *protocol,
                                        const en_endpoint_options_t *options);

/**
 * The endpoint through what all clients on a loop have in common: borrowed, it ends with
 * `endpoint`. NULL for NULL.
 *
 * Loop thread only.
 */
en_async_client_t *en_async_stream_endpoint_as_async_client(en_async_stream_endpoint_t *endpoint);

/**
 * Waits until packets can go, at most `timeout_ms` milliseconds: until hands have been shaken over a
 * transport of `en_stream_transport_new_tls_noblock`. Over any other one nothing is waited for.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
 * `en_stream_transport_handshake`, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_stream_endpoint_wait_connected(en_async_stream_endpoint_t *endpoint,
                                            int64_t timeout_ms,
                                            en_async_done_t callback,
                                            void *user_data,
                                            uint64_t *operation);

/**
 * Sends one packet of `size` bytes at `data`, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_stream_endpoint_send_packet(en_async_stream_endpoint_t *endpoint,
                                         const void *data,
                                         size_t size,
                                         int64_t timeout_ms,
                                         en_async_done_t callback,
                                         void *user_data,
                                         uint64_t *operation);

/**
 * Sends one packet that lies in `count` parts, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_stream_endpoint_send_packet_slices(en_async_stream_endpoint_t *endpoint,
                                                const en_slice_t *parts,
                                                size_t count,
                                                int64_t timeout_ms,
                                                en_async_done_t callback,
                                                void *user_data,
                                                uint64_t *operation);

/**
 * Sends `count` packets in as few system calls as possible; none if one of them cannot be
 * encoded. `timeout_ms` is in milliseconds. The callback is told how many have gone.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_stream_endpoint_send_packets(en_async_stream_endpoint_t *endpoint,
                                          const en_slice_t *packets,
                                          size_t count,
                                          int64_t timeout_ms,
                                          en_async_sent_t callback,
                                          void *user_data,
                                          uint64_t *operation);

/**
 * Sends one packet of `size` bytes at `data`, one at least, and `ancillary` with it, in one
 * piece: at once or not at all. What does not go at once is copied, and the descriptors in
 * `ancillary`, which stay the caller's, are duplicated. `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of callbacks;
 * to the callback those of sending, `EN_EMSGSIZE` (does not fit at once), `EN_EINVAL` (no byte,
 * more than 253 descriptors), `EN_EBADF`, `EN_EMFILE`, `EN_EPERM`, `EN_ESRCH`, `EN_ETOOMANYREFS`,
 * `EN_EOPNOTSUPP` (it carries none), `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
 */
int en_async_stream_endpoint_send_packet_with_ancillary(en_async_stream_endpoint_t *endpoint,
                                                        const void *data,
                                                        size_t size,
                                                        const en_ancillary_t *ancillary,
                                                        int64_t timeout_ms,
                                                        en_async_done_t callback,
                                                        void *user_data,
                                                        uint64_t *operation);

/**
 * Sends what is in the write buffer, behind all that waits to be sent. `timeout_ms` is in
 * milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`; to the callback those of
 * sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_stream_endpoint_flush(en_async_stream_endpoint_t *endpoint,
                                   int64_t timeout_ms,
                                   en_async_done_t callback,
                                   void *user_data,
                                   uint64_t *operation);

/**
 * Sends the end of the stream behind everything that waits to be sent; receiving goes on. A second
 * time, and when it is closed, it does nothing. `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EDEADLK`, `EN_EFORKED`; to the
 * callback `EN_EOPNOTSUPP` (it only receives, or the transport cannot), `EN_ETIMEDOUT`,
 * `EN_ECANCELED`, and those of `en_async_stream_endpoint_flush` if there is something in the write
 * buffer.
 */
int en_async_stream_endpoint_send_eof(en_async_stream_endpoint_t *endpoint,
                                      int64_t timeout_ms,
                                      en_async_done_t callback,
                                      void *user_data,
                                      uint64_t *operation);

/**
 * Receives one packet, which is the callback's to release. `timeout_ms` is in milliseconds. A
 * receive that is cancelled or timed out loses nothing.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is
 * under way); to the callback those of receiving, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_stream_endpoint_recv_packet(en_async_stream_endpoint_t *endpoint,
                                         int64_t timeout_ms,
                                         en_async_received_t callback,
                                         void *user_data,
                                         uint64_t *operation);

/**
 * Receives one packet, and what came with it into `ancillary`, which the caller lends until the
 * operation is over: then it is replaced, also if there was no packet. What is buffered comes
 * first, and with nothing; otherwise this is exactly one receive from the system, with
 * `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192). `timeout_ms` is
 * in milliseconds.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is
 * under way); to the callback those of receiving, `EN_ENOMSG` (less than a whole packet has
 * come), `EN_EOPNOTSUPP` (it carries none), `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
 */
int en_async_stream_endpoint_recv_packet_with_ancillary(en_async_stream_endpoint_t *endpoint,
                                                        size_t control_room,
                                                        int64_t timeout_ms,
                                                        en_ancillary_t *ancillary,
                                                        en_async_received_t callback,
                                                        void *user_data,
                                                        uint64_t *operation);

/**
 * Receives at least one packet and at most `capacity`: waits for the first, and takes those that
 * are there with it. `timeout_ms` is in milliseconds.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`
 * (`en_async_stream_endpoint_recv_start` is under way); to the callback those of receiving,
 * `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_stream_endpoint_recv_packets(en_async_stream_endpoint_t *endpoint,
                                          size_t capacity,
                                          int64_t timeout_ms,
                                          en_async_received_packets_t callback,
                                          void *user_data,
                                          uint64_t *operation);

/**
 * Receives every packet until `callback`, which is called with `user_data` and releases them,
 * answers that it has enough, until `en_async_stream_endpoint_recv_stop`, or until an error,
 * which ends it. While it is not asked for more nothing is read, so the peer has to wait. The
 * number is put into `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (another receive is
 * under way); to the callback those of receiving, `EN_ECANCELED`.
 */
int en_async_stream_endpoint_recv_start(en_async_stream_endpoint_t *endpoint,
                                        en_async_receive_t callback,
                                        void *user_data,
                                        uint64_t *operation);

/**
 * Ends `en_async_stream_endpoint_recv_start` or
 * `en_async_stream_endpoint_iter_received_packets`; the callback is not called again. Nothing
 * if neither is under way.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_stream_endpoint_recv_stop(en_async_stream_endpoint_t *endpoint);

/**
 * As `en_async_stream_endpoint_recv_start`, with a budget of `timeout_ms` milliseconds for all
 * the time that it waits.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`; to the callback
 * those of receiving, `EN_ETIMEDOUT` (the budget is spent), `EN_ECANCELED`.
 */
int en_async_stream_endpoint_iter_received_packets(en_async_stream_endpoint_t *endpoint,
                                                   int64_t timeout_ms,
                                                   en_async_receive_t callback,
                                                   void *user_data,
                                                   uint64_t *operation);

/**
 * Closes the endpoint and its transport, for all that have a hold on that: what waits to be sent
 * still goes out, and TLS takes leave, within `timeout_ms` and the shutdown time-out; then, or
 * cancelled, it is abrupt. Pending receives answer `EN_ECLOSED` at once. In any case it ends
 * closed.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`; to the callback those of
 * sending, what the `close` callback of the transport answered, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_stream_endpoint_close(en_async_stream_endpoint_t *endpoint,
                                   int64_t timeout_ms,
                                   en_async_done_t callback,
                                   void *user_data,
                                   uint64_t *operation);

/**
 * 1 if the endpoint is closed or about to be, 0 if not.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_async_stream_endpoint_is_closing(const en_async_stream_endpoint_t *endpoint);

/**
 * Ends the handle; NULL is nothing. What is pending calls back before this returns, with
 * `EN_ECANCELED` or what was decided already, and nothing does afterwards; in a callback of the
 * same endpoint's protocol or transport it takes effect when that has returned. The transport is
 * left to those who have a hold on it, too.
 *
 * Loop thread only.
 */
void en_async_stream_endpoint_free(en_async_stream_endpoint_t *endpoint);

/**
 * The loop that the endpoint is on; NULL when that was freed, and for NULL. The handle stays the
 * application's.
 *
 * Loop thread only.
 */
en_loop_t *en_async_stream_endpoint_loop(const en_async_stream_endpoint_t *endpoint);

/**
 * The descriptor; -1 if the endpoint has none, and for NULL. It stays the endpoint's.
 *
 * Loop thread only.
 */
int en_async_stream_endpoint_fileno(const en_async_stream_endpoint_t *endpoint);

/**
 * Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) of the transport to `value`, where there
 * is room for `*size` bytes; `*size` becomes its size, also when that is too large.
 *
 * Loop thread only.
 *
 * Errors: those of `en_stream_transport_get_attribute`, `EN_ENOTCONN` (hands have not been shaken).
 */
int en_async_stream_endpoint_get_attribute(const en_async_stream_endpoint_t *endpoint,
                                           int attribute,
                                           void *value,
                                           size_t *size);

/**
 * What TLS has agreed on: `*info` is the caller's to free.
 *
 * Loop thread only.
 *
 * Errors: those of `en_stream_transport_get_tls_info`.
 */
int en_async_stream_endpoint_get_tls_info(const en_async_stream_endpoint_t *endpoint,
                                          en_tls_info_t **info);

/**
 * How many bytes each receive asks the system for, as `*size`; when the library chooses, what it
 * has chosen last. 0 if it only sends.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_async_stream_endpoint_max_recv_size(const en_async_stream_endpoint_t *endpoint,
                                           size_t *size);

/**
 * How many bytes of packets the endpoint was given and the system has not taken yet, as `*size`:
 * those of sends that are not over, and what is in the write buffer. Who may send faster than the
 * peer reads stops while this is large; `en_async_stream_endpoint_flush` calls when all has gone. 0
 * once it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_stream_endpoint_send_queue_size(const en_async_stream_endpoint_t *endpoint,
                                             size_t *size);

/**
 * Puts what the endpoint has done so far into `*stats`, of which `struct_size` is set; also after
 * it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_async_stream_endpoint_get_stats(const en_async_stream_endpoint_t *endpoint,
                                       en_stats_t *stats);

/**
 * Makes an endpoint on `loop` that receives and sends packets. Transport, protocol and options
 * (NULL: all defaults) stay the caller's and may be freed when the call returns. Cancel switch,
 * retry interval, waiting function and busy poll of the options are for calls that block, and
 * ignored.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed, or the loop has ended),
 * `EN_EOPNOTSUPP` (no descriptor to wait for), `EN_EBADF` (one that is not open), `EN_EPERM` (one
 * that cannot be polled, such as a file's), `EN_EFORKED`, `EN_ENFILE` (too many clients),
 * `EN_EMFILE`, `EN_ENOMEM`, `EN_ENOSPC`.
 */
int en_async_datagram_endpoint_new(en_async_datagram_endpoint_t **out,
                                   en_loop_t *loop,
                                   const en_datagram_transport_t *transport,
                                   const en_datagram_protocol_t *protocol,
                                   const en_endpoint_options_t *options);

/**
 * Makes an endpoint on `loop` that only receives: sending answers `EN_EOPNOTSUPP`. Transport,
 * protocol and options (NULL: all defaults) stay the caller's and may be freed when the call
 * returns. Cancel switch, retry interval, waiting function and busy poll of the options are for
 * calls that block, and ignored.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed, or the loop has ended),
 * `EN_EOPNOTSUPP` (no descriptor to wait for), `EN_EBADF` (one that is not open), `EN_EPERM` (one
 * that cannot be polled, such as a file's), `EN_EFORKED`, `EN_ENFILE` (too many clients),
 * `EN_EMFILE`, `EN_ENOMEM`, `EN_ENOSPC`.
 */
int en_async_datagram_endpoint_new_receiver(en_async_datagram_endpoint_t **out,
                                            en_loop_t *loop,
                                            const en_datagram_transport_t *transport,
                                            const en_datagram_protocol_t *protocol,
                                            const en_endpoint_options_t *options);

/**
 * Makes an endpoint on `loop` that only sends: receiving answers `EN_EOPNOTSUPP`. Transport,
 * protocol and options (NULL: all defaults) stay the caller's and may be freed when the call
 * returns. Cancel switch, retry interval, waiting function and busy poll of the options are for
 * calls that block, and ignored.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the transport is closed, or the loop has ended),
 * `EN_EOPNOTSUPP` (no descriptor to wait for), `EN_EBADF` (one that is not open), `EN_EPERM` (one
 * that cannot be polled, such as a file's), `EN_EFORKED`, `EN_ENFILE` (too many clients),
 * `EN_EMFILE`, `EN_ENOMEM`, `EN_ENOSPC`.
 */
int en_async_datagram_endpoint_new_sender(en_async_datagram_endpoint_t **out,
                                          en_loop_t *loop,
                                          const en_datagram_transport_t *transport,
                                          const en_datagram_protocol_t *protocol,
                                          const en_endpoint_options_t *options);

/**
 * The endpoint through what all clients on a loop have in common: borrowed, it ends with
 * `endpoint`. NULL for NULL.
 *
 * Loop thread only.
 */
en_async_client_t *en_async_datagram_endpoint_as_async_client(en_async_datagram_endpoint_t *endpoint);

/**
 * Sends one packet of `size` bytes at `data`, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_datagram_endpoint_send_packet(en_async_datagram_endpoint_t *endpoint,
                                           const void *data,
                                           size_t size,
                                           int64_t timeout_ms,
                                           en_async_done_t callback,
                                           void *user_data,
                                           uint64_t *operation);

/**
 * Sends one packet that lies in `count` parts, which are copied if they do not go at once.
 * `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_datagram_endpoint_send_packet_slices(en_async_datagram_endpoint_t *endpoint,
                                                  const en_slice_t *parts,
                                                  size_t count,
                                                  int64_t timeout_ms,
                                                  en_async_done_t callback,
                                                  void *user_data,
                                                  uint64_t *operation);

/**
 * Sends `count` packets in as few system calls as possible; none if one of them cannot be
 * encoded. `timeout_ms` is in milliseconds. The callback is told how many have gone.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of
 * callbacks; to the callback those of sending, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_datagram_endpoint_send_packets(en_async_datagram_endpoint_t *endpoint,
                                            const en_slice_t *packets,
                                            size_t count,
                                            int64_t timeout_ms,
                                            en_async_sent_t callback,
                                            void *user_data,
                                            uint64_t *operation);

/**
 * Sends one packet of `size` bytes at `data`, one at least, and `ancillary` with it, in one
 * piece: at once or not at all. What does not go at once is copied, and the descriptors in
 * `ancillary`, which stay the caller's, are duplicated. `timeout_ms` is in milliseconds.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EMSGSIZE`, codes of callbacks;
 * to the callback those of sending, `EN_EMSGSIZE` (does not fit at once), `EN_EINVAL` (no byte,
 * more than 253 descriptors), `EN_EBADF`, `EN_EMFILE`, `EN_EPERM`, `EN_ESRCH`, `EN_ETOOMANYREFS`,
 * `EN_EOPNOTSUPP` (it carries none), `EN_ETIMEDOUT`, `EN_ECANCELED`. See unix(7).
 */
int en_async_datagram_endpoint_send_packet_with_ancillary(en_async_datagram_endpoint_t *endpoint,
                                                          const void *data,
                                                          size_t size,
                                                          const en_ancillary_t *ancillary,
                                                          int64_t timeout_ms,
                                                          en_async_done_t callback,
                                                          void *user_data,
                                                          uint64_t *operation);

/**
 * Receives one packet, which is the callback's to release. `timeout_ms` is in milliseconds. A
 * receive that is cancelled or timed out loses nothing.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is
 * under way); to the callback those of receiving, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_datagram_endpoint_recv_packet(en_async_datagram_endpoint_t *endpoint,
                                           int64_t timeout_ms,
                                           en_async_received_t callback,
                                           void *user_data,
                                           uint64_t *operation);

/**
 * Receives one packet, and what came with it into `ancillary`, which the caller lends until the
 * operation is over: then it is replaced, also if there was no packet. What is buffered comes
 * first, and with nothing; otherwise this is exactly one receive from the system, with
 * `control_room` bytes for ancillary data (at most 1048576; 0 stands for 8192). `timeout_ms` is
 * in milliseconds.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (`recv_start` is under
 * way); to the callback those of receiving, `EN_EOPNOTSUPP` (it carries none), `EN_ETIMEDOUT`,
 * `EN_ECANCELED`. See unix(7).
 */
int en_async_datagram_endpoint_recv_packet_with_ancillary(en_async_datagram_endpoint_t *endpoint,
                                                          size_t control_room,
                                                          int64_t timeout_ms,
                                                          en_ancillary_t *ancillary,
                                                          en_async_received_t callback,
                                                          void *user_data,
                                                          uint64_t *operation);

/**
 * Receives at least one packet and at most `capacity`: waits for the first, and takes those that
 * are there with it. `timeout_ms` is in milliseconds.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`
 * (`en_async_datagram_endpoint_recv_start` is under way); to the callback those of receiving,
 * `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_datagram_endpoint_recv_packets(en_async_datagram_endpoint_t *endpoint,
                                            size_t capacity,
                                            int64_t timeout_ms,
                                            en_async_received_packets_t callback,
                                            void *user_data,
                                            uint64_t *operation);

/**
 * Receives every packet until `callback`, which is called with `user_data` and releases them,
 * answers that it has enough, until `en_async_datagram_endpoint_recv_stop`, or until an error,
 * which ends it. While it is not asked for more nothing is read, so the peer has to wait. The
 * number is put into `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY` (another receive is
 * under way); to the callback those of receiving, `EN_ECANCELED`.
 */
int en_async_datagram_endpoint_recv_start(en_async_datagram_endpoint_t *endpoint,
                                          en_async_receive_t callback,
                                          void *user_data,
                                          uint64_t *operation);

/**
 * Ends `en_async_datagram_endpoint_recv_start` or
 * `en_async_datagram_endpoint_iter_received_packets`; the callback is not called again.
 * Nothing if neither is under way.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_datagram_endpoint_recv_stop(en_async_datagram_endpoint_t *endpoint);

/**
 * As `en_async_datagram_endpoint_recv_start`, with a budget of `timeout_ms` milliseconds for all
 * the time that it waits.
 *
 * `callback` (not NULL) is called with `user_data`; the operation's number is put into `*operation`
 * (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED`, `EN_EDEADLK`, `EN_EFORKED`, `EN_EBUSY`; to the callback
 * those of receiving, `EN_ETIMEDOUT` (the budget is spent), `EN_ECANCELED`.
 */
int en_async_datagram_endpoint_iter_received_packets(en_async_datagram_endpoint_t *endpoint,
                                                     int64_t timeout_ms,
                                                     en_async_receive_t callback,
                                                     void *user_data,
                                                     uint64_t *operation);

/**
 * Closes the endpoint and its transport, for all that have a hold on that: what waits to be sent
 * still goes out, within `timeout_ms` and the shutdown time-out; then, or cancelled, it is abrupt.
 * Pending receives answer `EN_ECLOSED` at once. In any case it ends closed.
 *
 * `callback` (may be NULL) is called with `user_data`; the operation's number is put into
 * `*operation` (may be NULL), for `en_loop_cancel`.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_ECLOSED` (the loop has ended), `EN_EFORKED`; to the callback those of
 * sending, what the `close` callback of the transport answered, `EN_ETIMEDOUT`, `EN_ECANCELED`.
 */
int en_async_datagram_endpoint_close(en_async_datagram_endpoint_t *endpoint,
                                     int64_t timeout_ms,
                                     en_async_done_t callback,
                                     void *user_data,
                                     uint64_t *operation);

/**
 * 1 if the endpoint is closed or about to be, 0 if not.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_async_datagram_endpoint_is_closing(const en_async_datagram_endpoint_t *endpoint);

/**
 * Ends the handle; NULL is nothing. What is pending calls back before this returns, with
 * `EN_ECANCELED` or what was decided already, and nothing does afterwards; in a callback of the
 * same endpoint's protocol or transport it takes effect when that has returned. The transport is
 * left to those who have a hold on it, too.
 *
 * Loop thread only.
 */
void en_async_datagram_endpoint_free(en_async_datagram_endpoint_t *endpoint);

/**
 * The loop that the endpoint is on; NULL when that was freed, and for NULL. The handle stays the
 * application's.
 *
 * Loop thread only.
 */
en_loop_t *en_async_datagram_endpoint_loop(const en_async_datagram_endpoint_t *endpoint);

/**
 * The descriptor; -1 if the endpoint has none, and for NULL. It stays the endpoint's.
 *
 * Loop thread only.
 */
int en_async_datagram_endpoint_fileno(const en_async_datagram_endpoint_t *endpoint);

/**
 * Copies the attribute `attribute` (`EN_ATTRIBUTE_...`) of the transport to `value`, where there
 * is room for `*size` bytes; `*size` becomes its size, also when that is too large.
 *
 * Loop thread only.
 *
 * Errors: those of `en_datagram_transport_get_attribute`.
 */
int en_async_datagram_endpoint_get_attribute(const en_async_datagram_endpoint_t *endpoint,
                                             int attribute,
                                             void *value,
                                             size_t *size);

/**
 * The largest datagram that this endpoint receives, in bytes, as `*size`; 0 if it only sends.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`.
 */
int en_async_datagram_endpoint_max_recv_size(const en_async_datagram_endpoint_t *endpoint,
                                             size_t *size);

/**
 * How many bytes of datagrams the endpoint was given and the system has not taken yet, as `*size`. Who may
 * send faster than they go stops while this is large. 0 once it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL`, `EN_EDEADLK`.
 */
int en_async_datagram_endpoint_send_queue_size(const en_async_datagram_endpoint_t *endpoint,
                                               size_t *size);

/**
 * Puts what the endpoint has done so far into `*stats`, of which `struct_size` is set; also after
 * it is closed.
 *
 * Loop thread only.
 *
 * Errors: `EN_EINVAL` (NULL, `struct_size` not set).
 */
int en_async_datagram_endpoint_get_stats(const en_async_datagram_endpoint_t *endpoint,
                                         en_stats_t *stats);



enum {
    EN_VERSION_MAJOR = 0,
    EN_VERSION_MINOR = 1,
    EN_VERSION_PATCH = 0,
    EN_OK = (0),
    EN_EPERM = (-1),
    EN_ENOENT = (-2),
    EN_ESRCH = (-3),
    EN_EINTR = (-4),
    EN_EIO = (-5),
    EN_EBADF = (-9),
    EN_WANT_READ = (-11),
    EN_ENOMEM = (-12),
    EN_EACCES = (-13),
    EN_EFAULT = (-14),
    EN_EBUSY = (-16),
    EN_EEXIST = (-17),
    EN_ENODEV = (-19),
    EN_ENOTDIR = (-20),
    EN_EINVAL = (-22),
    EN_ENFILE = (-23),
    EN_EMFILE = (-24),
    EN_ENOSPC = (-28),
    EN_EROFS = (-30),
    EN_EPIPE = (-32),
    EN_ERANGE = (-34),
    EN_EDEADLK = (-35),
    EN_ENAMETOOLONG = (-36),
    EN_ENOSYS = (-38),
    EN_ELOOP = (-40),
    EN_ENOMSG = (-42),
    EN_ENODATA = (-61),
    EN_EPROTO = (-71),
    EN_EBADMSG = (-74),
    EN_EOVERFLOW = (-75),
    EN_ECLOSED = (-77),
    EN_ENOTSOCK = (-88),
    EN_EDESTADDRREQ = (-89),
    EN_EMSGSIZE = (-90),
    EN_EPROTOTYPE = (-91),
    EN_ENOPROTOOPT = (-92),
    EN_EPROTONOSUPPORT = (-93),
    EN_ESOCKTNOSUPPORT = (-94),
    EN_EOPNOTSUPP = (-95),
    EN_EAFNOSUPPORT = (-97),
    EN_EADDRINUSE = (-98),
    EN_EADDRNOTAVAIL = (-99),
    EN_ENETDOWN = (-100),
    EN_ENETUNREACH = (-101),
    EN_ENETRESET = (-102),
    EN_ECONNABORTED = (-103),
    EN_ECONNRESET = (-104),
    EN_ENOBUFS = (-105),
    EN_EISCONN = (-106),
    EN_ENOTCONN = (-107),
    EN_ESHUTDOWN = (-108),
    EN_ETOOMANYREFS = (-109),
    EN_ETIMEDOUT = (-110),
    EN_ECONNREFUSED = (-111),
    EN_EHOSTDOWN = (-112),
    EN_EHOSTUNREACH = (-113),
    EN_EALREADY = (-114),
    EN_EINPROGRESS = (-115),
    EN_ECANCELED = (-125),
    EN_EFORKED = (-130),
    EN_EPANIC = (-131),
    EN_WANT_WRITE = (-1001),
    EN_ETRUNCATED = (-1002),
    EN_ECONNTIMEDOUT = (-1003),
    EN_EAI_FAIL = (-1100),
    EN_EAI_NONAME = (-1101),
    EN_EAI_AGAIN = (-1102),
    EN_EAI_NODATA = (-1103),
    EN_EAI_FAMILY = (-1104),
    EN_EAI_SERVICE = (-1105),
    EN_EAI_MEMORY = (-1106),
    EN_EAI_SYSTEM = (-1107),
    EN_ETLS_PROTOCOL = (-1200),
    EN_ETLS_TRUNCATED = (-1201),
    EN_ETLS_ALERT = (-1202),
    EN_ETLS_INCOMPATIBLE = (-1203),
    EN_ETLS_NO_TRUST = (-1204),
    EN_ETLS_NO_CERTIFICATE = (-1210),
    EN_ETLS_EXPIRED = (-1211),
    EN_ETLS_NOT_YET_VALID = (-1212),
    EN_ETLS_UNKNOWN_ISSUER = (-1213),
    EN_ETLS_SELF_SIGNED = (-1214),
    EN_ETLS_NAME_MISMATCH = (-1215),
    EN_ETLS_REVOKED = (-1216),
    EN_ETLS_UNKNOWN_REVOCATION = (-1217),
    EN_ETLS_CA_AS_LEAF = (-1218),
    EN_ETLS_WRONG_PURPOSE = (-1219),
    EN_ETLS_NOT_PINNED = (-1220),
    EN_ETLS_BAD_SIGNATURE = (-1221),
    EN_ETLS_BAD_ENCODING = (-1222),
    EN_ETLS_CERTIFICATE = (-1223),
    EN_EUSER_BASE = (-10000),
    EN_TIMEOUT_INFINITE = -1,
    EN_TIMEOUT_NONE = 0,
    EN_FEATURE_TLS = 1,
    EN_LOG_OFF = 0,
    EN_LOG_ERROR = 1,
    EN_LOG_WARN = 2,
    EN_LOG_INFO = 3,
    EN_LOG_DEBUG = 4,
    EN_LOG_TRACE = 5,
    EN_FAMILY_UNSPECIFIED = 0,
    EN_FAMILY_IPV4 = 4,
    EN_FAMILY_IPV6 = 6,
    EN_ADDRESS_TEXT_SIZE = 80,
    EN_UNIX_UNNAMED = 0,
    EN_UNIX_PATH = 1,
    EN_UNIX_ABSTRACT = 2,
    EN_UNIX_ADDRESS_TEXT_SIZE = 448,
    EN_ANCILLARY_FDS = 1,
    EN_ANCILLARY_CREDENTIALS = 2,
    EN_ANCILLARY_OTHER = 3,
    EN_MAX_PACKET_SIZE_DEFAULT = 16777216,
    EN_NEWLINE_LF = 0,
    EN_NEWLINE_CRLF = 1,
    EN_NEWLINE_CR = 2,
    EN_NEWLINE_ANY = 3,
    EN_LENGTH_U8 = 1,
    EN_LENGTH_U16 = 2,
    EN_LENGTH_U32 = 4,
    EN_LENGTH_U64 = 8,
    EN_LENGTH_VARINT = 0,
    EN_BIG_ENDIAN = 0,
    EN_LITTLE_ENDIAN = 1,
    EN_DECODE_PACKET = 1,
    EN_DECODE_MORE = 2,
    EN_CALLBACK_DONE = 1,
    EN_TLS_1_2 = 771,
    EN_TLS_1_3 = 772,
    EN_TLS_UNKNOWN_REVOCATION_REFUSE = 0,
    EN_TLS_UNKNOWN_REVOCATION_ACCEPT = 1,
    EN_TLS_CLIENT_AUTH_NONE = 0,
    EN_TLS_CLIENT_AUTH_OPTIONAL = 1,
    EN_TLS_CLIENT_AUTH_REQUIRED = 2,
    EN_OPTION_NODELAY = 1,
    EN_OPTION_KEEPALIVE = 2,
    EN_OPTION_KEEPALIVE_IDLE = 3,
    EN_OPTION_KEEPALIVE_INTERVAL = 4,
    EN_OPTION_KEEPALIVE_COUNT = 5,
    EN_OPTION_LINGER = 6,
    EN_OPTION_USER_TIMEOUT = 7,
    EN_OPTION_RECEIVE_BUFFER = 8,
    EN_OPTION_SEND_BUFFER = 9,
    EN_OPTION_REUSE_ADDRESS = 10,
    EN_OPTION_REUSE_PORT = 11,
    EN_INTEREST_READ = 1,
    EN_INTEREST_WRITE = 2,
    EN_ATTRIBUTE_DESCRIPTOR = 1,
    EN_ATTRIBUTE_FAMILY = 2,
    EN_ATTRIBUTE_OWN_NAME = 3,
    EN_ATTRIBUTE_PEER_NAME = 4,
    EN_ATTRIBUTE_STANDARD_COMPATIBLE = 5,
    EN_ATTRIBUTE_USER_BASE = 1000,
    EN_RECEIVE_MORE = 1,
    EN_RECEIVE_STOP = 2,
};
