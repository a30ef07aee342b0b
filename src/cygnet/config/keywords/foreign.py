"""Words of other IPsec implementations (FreeS/WAN's descendants, mostly) and what they are here.

Only for suggestions in errors: nothing here is accepted.
"""

from __future__ import annotations

#: Keywords of Libreswan and Openswan that strongSwan does not have: what to write instead.
KEYWORDS = {
    "auth": "esp= or ah= says which protocol protects the packets",
    "ikev2": "write keyexchange=ikev2 (or ikev1)",
    "phase2": "esp= or ah= says which protocol protects the packets",
    "phase2alg": "write esp=",
    "salifetime": "write lifetime=",
    "ikesalifetime": "write ikelifetime=",
    "sareftrack": "there is nothing like it",
    "sha2-truncbug": "write sha256_96=",
    "rightaddresspool": "write rightsourceip= with a network",
    "leftaddresspool": "write leftsourceip= with a network",
    "leftmodecfgclient": "write leftsourceip=%config",
    "rightmodecfgclient": "write rightsourceip=%config",
    "modecfgpull": "write modeconfig=pull",
    "modecfgdns": "write rightdns=",
    "modecfgdns1": "write rightdns=",
    "modecfgdns2": "write rightdns= with both servers",
    "leftsubnets": "leftsubnet= takes several networks, separated by commas",
    "rightsubnets": "rightsubnet= takes several networks, separated by commas",
    "leftxauthusername": "write xauth_identity=",
    "leftusername": "write xauth_identity= or eap_identity=",
    "encapsulation": "write forceencaps=yes",
    "nat-keepalive": "charon.keep_alive in strongswan.conf says how often",
    "initial-contact": "it is sent by itself; uniqueids= says what it does",
    "replay-window": "write replay_window=",
    "ikepad": "there is nothing like it",
    "mtu": "packets are fitted to the path by themselves",
    "protostack": "the data plane is chosen by the daemon's options",
    "logfile": "write charon.filelog in strongswan.conf",
    "logappend": "write charon.filelog in strongswan.conf",
    "virtual-private": "it is not needed",
    "retransmit-timeout": "charon.retransmit_timeout in strongswan.conf is this",
    "dpdaction_trap": "write dpdaction=hold",
}

#: Values: what is written elsewhere, and which of our words is meant.
YES_NO = {
    **dict.fromkeys(("true", "on", "1", "enabled", "always"), "yes"),
    **dict.fromkeys(("false", "off", "0", "disabled", "never", "none"), "no"),
}
AUTO = {
    **dict.fromkeys(("ondemand", "trap", "hold"), "route"),
    **dict.fromkeys(("up", "keep", "yes"), "start"),
    **dict.fromkeys(("manual", "load"), "add"),
    **dict.fromkeys(("no", "none", "never"), "ignore"),
}
ACTION = {"trap": "hold", "route": "hold", "start": "restart", "no": "none", "restart_by_peer": "restart"}
KEYEXCHANGE = {"any": "ike", "v1": "ikev1", "v2": "ikev2", "1": "ikev1", "2": "ikev2"}
AUTHBY = {"pre-shared-key": "secret", "preshared": "secret", "cert": "pubkey", "certificate": "pubkey"}
MODE = {"bypass": "pass", "block": "drop"}

#: Groups by their number of IANA's registry, and their words here.
_GROUPS = {
    1: "modp768", 2: "modp1024", 5: "modp1536", 14: "modp2048", 15: "modp3072", 16: "modp4096",
    17: "modp6144", 18: "modp8192", 19: "ecp256", 20: "ecp384", 21: "ecp521", 22: "modp1024s160",
    23: "modp2048s224", 24: "modp2048s256", 25: "ecp192", 26: "ecp224", 28: "ecp256bp", 29: "ecp384bp",
    30: "ecp512bp", 31: "x25519", 32: "x448",
}  # fmt: skip

#: Algorithms as Libreswan, routers and firewalls write them.
ALGORITHMS = {
    **{
        f"{prefix}{n}": word
        for n, word in _GROUPS.items()
        for prefix in ("dh", "group", "dhgroup", "g", "modp")
    },
    **{f"aes{sep}{bits}": f"aes{bits}" for sep in ("_", "_cbc", "_cbc_", "cbc") for bits in (128, 192, 256)},
    **{f"aes{bits}{tail}": f"aes{bits}" for tail in ("cbc", "_cbc") for bits in (128, 192, 256)},
    **{f"aes{sep}{bits}": f"aes{bits}gcm16" for sep in ("_gcm", "_gcm_", "gcm") for bits in (128, 192, 256)},
    **{f"aes{bits}{tail}": f"aes{bits}gcm16" for tail in ("_gcm", "_gcm16") for bits in (128, 192, 256)},
    "aes_gcm": "aes128gcm16",
    "chacha20": "chacha20poly1305",
    "chacha20_poly1305": "chacha20poly1305",
    **dict.fromkeys(("sha2", "hmac_sha256", "hmac_sha2_256", "sha2_256"), "sha256"),
    **dict.fromkeys(("hmac_sha384", "hmac_sha2_384"), "sha384"),
    **dict.fromkeys(("hmac_sha512", "hmac_sha2_512"), "sha512"),
    **dict.fromkeys(("hmac_sha1", "sha_1", "hmac_sha"), "sha1"),
    "hmac_md5": "md5",
    "tripledes": "3des",
    "3des_cbc": "3des",
    **dict.fromkeys(("p256", "secp256r1", "nistp256"), "ecp256"),
    **dict.fromkeys(("p384", "secp384r1", "nistp384"), "ecp384"),
    **dict.fromkeys(("p521", "secp521r1", "nistp521"), "ecp521"),
    "kyber768": "ke1_mlkem768",
}
