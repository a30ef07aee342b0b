"""cygnet: an IPsec VPN suite. An IKEv1/IKEv2 daemon with data planes of its own."""

__version__ = "0.1.0"
