"""Data planes: they carry packets and report; the engine never sees a packet."""
