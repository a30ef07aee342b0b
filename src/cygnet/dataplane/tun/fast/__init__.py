"""The offload engine of the userspace ESP plane: bursts of packets in, bursts of packets out.

No sockets, no clock, no policy: the worker (``dataplane/tun``) reads and writes, finds the SA,
and hands over memory. Tunnel mode with an AEAD; what is not (CBC + HMAC, transport mode) goes
the ordinary way, one packet at a time. The SAs are those of ``dataplane.esp.sa``: the engine
moves their sequence numbers, replay windows, ``bytes``, ``packets`` and drop counters; limits,
idle times and reports are the worker's, after each burst (``Forwarder.used``).

How it is meant to be called (all sizes in bytes)::

    # arena.py     one preallocated block for a burst of reads, packed one after the other
    arena = Arena(capacity)
    while arena.open():                       # room for one more read of up to 64 KB
        n = os.readv(tun, [arena.room()])     # or sock.recvmsg_into([arena.room()], ...)
        piece = arena.take(n)                 # memoryview of what was read; valid until clear()
    arena.clear()

    # vnet.py      virtio-net headers (10 bytes: IFF_VNET_HDR without VNET_HDR_SZ), VNET = 10
    parse(piece) -> (flags, gso_type, header_length, gso_size, csum_start, csum_offset)

    # layout.py    which SAs the engine takes: cygnet.dataplane.esp.sa's, with sa.transform.aead
    takes(sa) -> bool

    # outbound.py  TUN reads -> trains for UDP_SEGMENT
    sealer = Sealer(send)                     # send(sa, datagrams, size, packets, tos, tag)
    sealer.push(sa, read, tag)                # a vnet header and one packet (GSO up to 64 KB, or a
    sealer.finish()                           # single one); at the end of a burst what is left
        A train is packets datagrams of size bytes one after the other, the last one maybe shorter:
        one sendmsg with UDP_SEGMENT=size (packets == 1: without). At most 64 of them and 65,507
        bytes. tos: of the inner header, for the outer DSCP and ECN. tag: as given to push (the DF
        bit): packets of different tags share no train. All trains use the same memory.
        Fewer packets than were pushed come out when sa.spent, or when a read is no packet at all
        (sealer.malformed counts). A single packet over sa.inner_limit is sealed all the same: the
        worker decides before (vnet.packet_size; ICMP too big, or outer fragmentation). TCP GSO
        packets are cut smaller where they do not fit. Push reads as they come rather than many at
        once: memory stays in the cache, and sending gives the next reads time to come.

    # inbound.py   UDP_GRO receives -> packets with virtio-net headers for TUN writes
    opener = Opener(lookup: Callable[[int], InboundSa | None], on_syn=None, udp=False)
        lookup(spi): None for SAs that takes() refuses; on_syn(sa, packet): changes a SYN in
        place; udp: the TUN takes UDP GSO packets
    while opener.ready():                     # room for one more receive of up to 64 KB
        n, ancillary, ... = sock.recvmsg_into([opener.room()], ...)
        opener.receive(n, size, tos)          # size: of the datagrams (UDP_GRO's control message;
                                              # 0: one datagram); tos: of the outer header.
                                              # Decrypts in place, at once.
    opener.hold(n, skip, tos)                 # raw sockets: one datagram behind an IP header; many
    opener.settle()                           # of them are opened together
    for packet in opener.flush(): ...         # an iterator of what to write to the TUN, in order
        per flow: each a vnet header and a packet, TCP segments of one flow joined across all that
        was received since the last flush. Write one before asking for the next, and exhaust it.
    opener.strangers: list[memoryview]   datagrams that are not for an SA here (IKE with its four
                                         zero bytes, keep-alives, SPIs that lookup does not know);
                                         valid until the next receive after flush
    opener.authentic: set[InboundSa]     SAs that got authentic packets since the last flush
                                         (MappingChanged, idle times)
"""
