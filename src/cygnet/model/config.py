"""Connections, children, secrets and daemon settings, as the engine reads them.

All times are seconds, 0 meaning "never" or "no limit" where not said otherwise. Defaults are
those of a bare value; each dialect brings its own (COMPATIBILITY: ipsec.conf §2.3, swanctl §2.6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from cygnet.values.identity import ANY, Identity
from cygnet.values.proposal import Proposal
from cygnet.values.secret import Secret
from cygnet.values.selector import TrafficSelector


class IkeVersion(Enum):
    ANY = "ike"  #: initiate IKEv2, accept both
    V1 = "ikev1"
    V2 = "ikev2"


class StartAction(Enum):
    """What loading a child does (auto=add, route, start)."""

    NONE = "none"
    TRAP = "trap"
    START = "start"
    TRAP_START = "trap|start"


class CloseAction(Enum):
    """What follows when a child is lost (dpdaction, closeaction)."""

    NONE = "none"
    TRAP = "trap"  #: install a trap, so that traffic brings it back ("hold")
    START = "start"  #: negotiate again at once ("restart")


class Mode(Enum):
    TUNNEL = "TUNNEL"
    TRANSPORT = "TRANSPORT"
    BEET = "BEET"
    PASS = "PASS"  #: shunts: no negotiation, only a policy
    DROP = "DROP"
    REJECT = "REJECT"

    @property
    def is_shunt(self) -> bool:
        return self in (Mode.PASS, Mode.DROP, Mode.REJECT)


class Unique(Enum):
    """uniqueids: what happens when the same peer identity connects again."""

    NO = "no"  #: only on INITIAL_CONTACT
    REPLACE = "replace"  #: the new one replaces the old one ("yes")
    KEEP = "keep"  #: the new one is refused
    NEVER = "never"  #: INITIAL_CONTACT is ignored too


class Fragmentation(Enum):
    NO = "no"
    ACCEPT = "accept"
    YES = "yes"
    FORCE = "force"


class AuthMethod(Enum):
    PSK = "psk"
    PUBKEY = "pubkey"
    EAP = "eap"
    XAUTH = "xauth"
    ANY = "any"


class SendCert(Enum):
    """leftsendcert: when an end's certificate goes along."""

    NEVER = "never"
    IF_ASKED = "ifasked"  #: when the peer has asked for one (CERTREQ)
    ALWAYS = "always"


class Strict(Enum):
    """strictcrlpolicy: what a certificate is whose state of revocation nobody tells."""

    NO = "no"  #: good
    YES = "yes"  #: refused
    IFURI = "ifuri"  #: refused where it names a CRL or an OCSP responder


class CertificateUse(Enum):
    """What a certificate of the configuration is for, strongSwan's directories of ipsec.d."""

    END = "certs"  #: of us or of a peer
    CA = "cacerts"  #: trusted where self-signed, else known as an intermediate
    AA = "aacerts"  #: signs attribute certificates
    OCSP = "ocspcerts"  #: signs OCSP answers


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """A certificate in DER, or with ``bare`` the SubjectPublicKeyInfo of a raw public key.

    ``source``: where it is from, by which rounds of authentication name it.
    """

    der: bytes
    source: str
    use: CertificateUse = CertificateUse.END
    bare: bool = False


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key that signs for us, by its public part (SubjectPublicKeyInfo). The private one is nowhere in the
    configuration that the engine has: it asks for signatures."""

    spki: bytes
    source: str


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key as PKCS#8 in DER, without a passphrase. ``spki``: its public part."""

    key: Secret
    spki: bytes
    source: str


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A private key on a token: ``source`` is ``%smartcard[slot][@module]:keyid``."""

    pin: Secret
    spki: bytes
    source: str


@dataclass(frozen=True, slots=True)
class Authority:
    """A ``ca`` section: what is known of a CA beside its certificate (by ``source``)."""

    name: str
    source: str
    crl_uris: tuple[str, ...] = ()
    ocsp_uris: tuple[str, ...] = ()
    cert_uri_base: str = ""  #: certificates of this CA are sent as hash and URL below it


@dataclass(frozen=True, slots=True)
class AuthRound:
    """How one end authenticates in one round (RFC 4739; IKEv1 has one, XAuth a second)."""

    method: AuthMethod = AuthMethod.PSK
    id: Identity = ANY  #: ANY: the end's address (local), or whatever it says (remote)
    method_detail: str = ""  #: what the dialect said beyond it: "rsa-2048-sha256", "eap-tls"
    eap_id: Identity = ANY
    certs: tuple[str, ...] = ()  #: sources: which certificate (or raw key) it is, or one of them
    authorities: tuple[Identity, ...] = ()  #: subjects of CAs, one of which has to be in the path
    policies: tuple[str, ...] = ()  #: OIDs, one of which the path has to be valid for
    groups: tuple[str, ...] = ()
    loose_id: bool = False  #: remote: the peer may call itself otherwise where its certificate has ``id``
    send_cert: SendCert = SendCert.IF_ASKED


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Soft and hard limits of a CHILD_SA in one unit (seconds, bytes or packets); 0: none.

    The soft limit in use is ``rekey - random(0..jitter)``.
    """

    rekey: int = 0
    life: int = 0
    jitter: int = 0


@dataclass(frozen=True, slots=True)
class Child:
    """One child (CHILD_SA, phase 2) of a connection. In ipsec.conf a conn is both."""

    name: str
    proposals: tuple[Proposal, ...] = ()
    local_ts: tuple[TrafficSelector, ...] = ()
    remote_ts: tuple[TrafficSelector, ...] = ()
    mode: Mode = Mode.TUNNEL
    start_action: StartAction = StartAction.NONE
    dpd_action: CloseAction = CloseAction.NONE
    close_action: CloseAction = CloseAction.NONE
    time: Lifetime = Lifetime(rekey=3060, life=3600, jitter=540)
    bytes: Lifetime = Lifetime()
    packets: Lifetime = Lifetime()
    inactivity: int = 0
    reqid: int = 0  #: 0: given by the engine
    sha256_96: bool = False  #: HMAC-SHA-256 is cut to 96 bits, though 128 are agreed on (an old draft's way)
    replay_window: int = 32  #: packets; 0 switches replay protection off
    tfc_padding: int = 0  #: pad to this length; -1: to the path MTU
    priority: int = 0  #: 0: computed from the selectors
    install_policy: bool = True
    copy_df: bool = True
    copy_ecn: bool = True
    copy_dscp: str = "out"  #: out, in, yes, no
    ipcomp: bool = False
    updown: str = ""  #: command run with PLUTO_* in its environment
    interface: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """One IKE peer configuration with its children."""

    name: str
    version: IkeVersion = IkeVersion.ANY
    local_addrs: tuple[str, ...] = ("%any",)  #: IP, FQDN, %any, subnet or range
    remote_addrs: tuple[str, ...] = ("%any",)
    local_port: int = 500
    remote_port: int = 500
    proposals: tuple[Proposal, ...] = ()
    local: tuple[AuthRound, ...] = (AuthRound(),)  #: at least one, or nobody would have to prove anything
    remote: tuple[AuthRound, ...] = (AuthRound(),)  #: at least one
    children: tuple[Child, ...] = ()
    aggressive: bool = False
    mobike: bool = True
    force_encap: bool = False
    fragmentation: Fragmentation = Fragmentation.YES
    childless: str = "allow"  #: allow, prefer, force, never
    dscp: int = 0  #: of the IKE packets sent, 0..63
    dpd_delay: float = 0.0  #: seconds of silence before a liveness check
    dpd_timeout: float = 0.0  #: IKEv1 only; 0: after the retransmissions
    keyingtries: int = 1  #: 0: for ever
    keyingtries_written: bool = (
        False  #: in the configuration: then it limits tunnels that are meant to be up, too
    )
    unique: Unique = Unique.NO
    rekey_time: int = 14400  #: IKE_SA rekeying (IKEv2)
    reauth_time: int = 0  #: IKE_SA reauthentication (the only kind IKEv1 has)
    over_time: int = 1440  #: hard limit after rekey_time/reauth_time
    rand_time: int = 1440  #: subtracted at random from rekey_time/reauth_time
    vips: tuple[str, ...] = ()  #: virtual IPs to ask for ("0.0.0.0", "::" for any)
    pools: tuple[str, ...] = ()  #: pools to give virtual IPs from
    pull: bool = True  #: IKEv1 mode config: client asks (pull) or server pushes
    allow_any: bool = False  #: the remote address may be another than configured
    ppk_id: str = ""
    ppk_required: bool = False
    session_resumption: bool = False  #: ask for, give and take tickets to resume IKE_SAs (RFC 5723)
    redirect_to: str = ""  #: send peers that have proven who they are to this gateway (RFC 5685)

    def __post_init__(self) -> None:
        if not self.local or not self.remote:
            raise ValueError(f"'{self.name}': each end authenticates in at least one round")

    @property
    def only_shunts(self) -> bool:
        """Nothing is ever negotiated for it; a connection without children is an IKE_SA by itself."""
        return bool(self.children) and all(child.mode.is_shunt for child in self.children)

    def child(self, name: str) -> Child | None:
        return next((c for c in self.children if c.name == name), None)


class SecretKind(Enum):
    PSK = "PSK"
    EAP = "EAP"  #: also XAUTH
    NTLM = "NTLM"
    PPK = "PPK"
    RSA = "RSA"
    ECDSA = "ECDSA"
    PKCS8 = "PKCS8"
    P12 = "P12"
    PIN = "PIN"


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """One entry of ipsec.secrets or of ``secrets``. ``owners`` empty: for everybody.

    For PSK, EAP, NTLM and PPK ``secret`` is the secret itself; for key files it is the
    passphrase and ``file`` the path as written.
    """

    kind: SecretKind
    owners: tuple[Identity, ...]
    secret: Secret
    file: str = ""
    name: str = ""  #: swanctl's section name or vici's unique id


@dataclass(frozen=True, slots=True)
class Pool:
    """Addresses to hand out: a network or range, and attributes by name (dns, nbns, ...)."""

    name: str
    addrs: str
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """Daemon-wide settings: ``charon.*`` of strongswan.conf and ``config setup``."""

    port: int = 500
    port_nat_t: int = 4500
    retransmit_timeout: float = 4.0
    retransmit_base: float = 1.8
    retransmit_tries: int = 5
    retransmit_jitter: int = 0  #: percent
    retransmit_limit: float = 0.0  #: seconds, 0: none
    keep_alive: float = 20.0  #: NAT keep-alive interval; 0 = never
    half_open_timeout: float = 30.0
    init_limit_half_open: int = 0
    cookie_threshold: int = 30  #: half-open IKE_SAs before cookies are asked for; 0: never
    #: half-open IKE_SAs per source address, 0: no limit. None: from the fifth on an address has to
    #: show that it receives there (IKEv2)
    block_threshold: int | None = None
    dos_protection: bool = True
    fragment_size: int = 1280  #: bytes of an IP packet with an IKE fragment; 0: 1280/576 by family
    max_packet: int = 10000
    reuse_ikesa: bool = True
    retry_initiate_interval: float = 0.0
    delete_rekeyed: bool = False  #: IKEv1: delete a rekeyed CHILD_SA at once
    delete_rekeyed_delay: float = 5.0
    close_ike_on_child_failure: bool = False
    make_before_break: bool = True
    follow_redirects: bool = True
    announce_auth_methods: bool = False  #: tell peers how they may authenticate (RFC 9593)
    ticket_lifetime: int = 3600  #: of the tickets we give to resume with, at most until reauthentication
    crash_detection: bool = True  #: give and take crash tokens (RFC 6290), where a secret outlasts restarts
    redirect: str = "no"  #: send new IKEv2 clients elsewhere: no, yes, auto (above cookie_threshold)
    redirect_to: tuple[str, ...] = ()  #: ... to these gateways (addresses or names) in turn
    prefer_configured_proposals: bool = True
    aggressive_psk_responder: bool = False  #: i_dont_care_about_security_and_use_aggressive_mode_psk
    accept_unencrypted_mainmode: bool = False
    replay_window: int = 32
    inactivity_close_ike: bool = False
    send_vendor_id: bool = False
    install_routes: bool = True
    drop_unprotected: bool = True  #: what arrives in the clear for a protected network
    routing_table: int = 220
    routing_table_prio: int = 220
    unique: Unique = Unique.REPLACE
    strict_crl: Strict = Strict.NO
    pkcs11_modules: tuple[tuple[str, str], ...] = ()  #: names and paths of modules for tokens
    cache_crls: bool = False  #: write CRLs that were fetched to ipsec.d/crls
    rsa_pss: bool = False  #: sign with RSASSA-PSS also where leftauth does not say so (IKEv2)
    signature_authentication: bool = True  #: RFC 7427
    signature_constraints: bool = True  #: hashes of rightauth are meant for the signature in IKEv2, too
    hash_and_url: bool = False  #: look peers' certificates up on the web (RFC 7296 §3.6)
    use_crls: bool = True
    use_ocsp: bool = True
    revocation_timeout: float = 10.0  #: seconds for fetching a CRL or an OCSP answer, and waiting for it
    redirects: int = 5  #: that are followed when fetching; each costs a round trip
    log_levels: tuple[tuple[str, int], ...] = ()  #: (group, level) of charondebug; default 1
    filelogs: tuple[FileLog, ...] = ()
    dns: tuple[str, ...] = ()  #: charon.dns1, dns2
    nbns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileLog:
    """One ``charon.filelog`` section."""

    path: str
    levels: tuple[tuple[str, int], ...] = (("default", 1),)
    append: bool = True
    flush_line: bool = False
    ike_name: bool = False
    time_format: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that is loaded: what one ``update`` hands to the engine."""

    connections: tuple[Connection, ...] = ()
    secrets: tuple[SharedSecret, ...] = field(default=(), repr=False)
    pools: tuple[Pool, ...] = ()
    settings: Settings = Settings()
    certificates: tuple[CertificateFile, ...] = ()
    keys: tuple[OwnKey, ...] = ()
    crls: tuple[bytes, ...] = ()
    authorities: tuple[Authority, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()  #: conns of the files that are not loaded, and why

    def connection(self, name: str) -> Connection | None:
        return next((c for c in self.connections if c.name == name), None)
