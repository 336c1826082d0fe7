"""Shamir's secret sharing: any *needed* of the shares give the secret back, fewer say nothing about it.  Pure.

Over GF(256) with the polynomial of AES (FIPS 197), byte by byte, as HashiCorp Vault and OpenBao share their unseal
keys; so shares of theirs can be joined here, which is how the arithmetic is tested against somebody else's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

POLYNOMIAL = 0x11B
MOST_SHARES = 255


def split(secret: bytes, *, shares: int, needed: int, random_bytes: Callable[[int], bytes]) -> dict[int, bytes]:
    """Give *shares* shares by their number, of which *needed* join to *secret*.

    *random_bytes* must be a source fit for keys.  Raise ``ValueError`` for numbers that make no sense.
    """
    if not secret or not 2 <= needed <= shares <= MOST_SHARES:
        raise ValueError("a secret is shared among 2 to 255, of whom at least 2 and at most all are needed")
    polynomials = [bytes([byte]) + random_bytes(needed - 1) for byte in secret]
    return {x: bytes(_value(polynomial, x) for polynomial in polynomials) for x in range(1, shares + 1)}


def join(shares: Mapping[int, bytes]) -> bytes:
    """Give the secret of *shares*, by their numbers; what too few give is not the secret, and does not say so."""
    lengths = {len(share) for share in shares.values()}
    if len(lengths) != 1 or not all(1 <= x <= MOST_SHARES for x in shares):
        raise ValueError("shares of one secret are of one length, and numbered from 1 to 255")
    weights = {x: _weight(x, tuple(shares)) for x in shares}
    return bytes(_sum(multiply(shares[x][place], weights[x]) for x in shares) for place in range(lengths.pop()))


def multiply(one: int, other: int) -> int:
    """Multiply in GF(256), in a time that does not depend on the numbers."""
    product = 0
    for bit in range(8):
        product ^= -(other >> bit & 1) & one
        one = one << 1 ^ (-(one >> 7) & POLYNOMIAL)
    return product


def inverse(number: int) -> int:
    """Give the number that times *number* is 1, which is its 254th power."""
    result, power = 1, number
    for bit in range(8):
        if 254 >> bit & 1:
            result = multiply(result, power)
        power = multiply(power, power)
    return result


def _value(polynomial: Sequence[int], x: int) -> int:
    """Evaluate by Horner's rule; the constant comes first."""
    found = 0
    for coefficient in reversed(polynomial):
        found = multiply(found, x) ^ coefficient
    return found


def _weight(x: int, all_of_them: Sequence[int]) -> int:
    """Give Lagrange's weight of the share *x* at 0; numbers are their own negatives here."""
    found = 1
    for other in all_of_them:
        if other != x:
            found = multiply(found, multiply(other, inverse(other ^ x)))
    return found


def _sum(numbers: Iterable[int]) -> int:
    total = 0
    for number in numbers:
        total ^= number
    return total
