"""IKEv2 (RFC 7296): ``sa`` is the IKE_SA, ``exchanges`` and ``window`` carry its messages, ``tasks/``
holds one operation a file, ``keys`` and ``auth`` the formulas."""
