"""CCM (RFC 3610) over AES alone: an independent check for the tag lengths that have no vector."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def ccm_encrypt(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes, tag_length: int) -> bytes:
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update
    width = 15 - len(nonce)
    flags = 64 * bool(aad) + 8 * ((tag_length - 2) // 2) + (width - 1)
    blocks = bytes((flags,)) + nonce + len(plaintext).to_bytes(width, "big")
    if aad:
        blocks += padded(len(aad).to_bytes(2, "big") + aad)
    blocks += padded(plaintext)
    mac = bytes(16)
    for i in range(0, len(blocks), 16):
        mac = block(xor(mac, blocks[i : i + 16]))

    def stream(counter: int) -> bytes:
        return block(bytes((width - 1,)) + nonce + counter.to_bytes(width, "big"))

    chunks = [plaintext[i : i + 16] for i in range(0, len(plaintext), 16)]
    ciphertext = b"".join(xor(chunk, stream(i)) for i, chunk in enumerate(chunks, 1))
    return ciphertext + xor(mac, stream(0))[:tag_length]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b))
