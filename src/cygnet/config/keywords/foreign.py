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
