"""What the packet path must know of IP: headers, flows, checksums, ICMP errors, fragments."""
