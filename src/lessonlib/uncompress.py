"""Reading ``.Z`` files, which the program ``compress`` wrote before gzip took its place.

The format is LZW (Welch, A Technique for High-Performance Data Compression, 1984): a text is
written as the numbers of a table's entries. The table starts with the 256 bytes. With each number,
it gains an entry: the text of the number before, and the first byte of this one's.
"""

MAGIC = b"\x1f\x9d"
HEADER = 3  # bytes; the third has the two fields below
RESETS = 0x80  # whether the number 256 empties the table
MOST_BITS = 0x1F  # how many bits a number has when the table is full
RESET = 256
FEWEST, MOST = 9, 16  # bits of a number


def uncompress(data: bytes) -> bytes:
    """Unpack what ``compress`` packed.

    Raises
    ------
    ValueError
        When the data is not of this kind, or damaged.

    Examples
    --------
    >>> uncompress(bytes.fromhex("1f9d9061c4041c2806"))
    b'abababab'
    """
    if data[:2] != MAGIC or len(data) < HEADER or not FEWEST <= data[2] & MOST_BITS <= MOST:
        raise ValueError("not a .Z file: it does not begin as compress begins one")
    resets, most = bool(data[2] & RESETS), data[2] & MOST_BITS
    table = _new_table(resets)
    parts: list[bytes] = []
    before = b""
    bits = FEWEST
    start = place = 8 * HEADER  # in bits: where numbers of this width begin, and the next number
    while place + bits <= 8 * len(data):
        number = _number(data, place, bits)
        place += bits
        if resets and number == RESET:
            start = place = _end_of_group(start, place, bits)
            table, before, bits = _new_table(resets), b"", FEWEST
            continue
        if number > len(table) or (number == len(table) and not before):
            raise ValueError("a damaged .Z file: it names an entry that its table lacks")
        # The entry that this number is about to complete ends as it begins.
        text = table[number] if number < len(table) else before + before[:1]
        if before and len(table) < 1 << most:
            table.append(before + text[:1])
        parts.append(text)
        before = text
        if len(table) >= 1 << bits and bits < most:
            start = place = _end_of_group(start, place, bits)
            bits += 1
    return b"".join(parts)


def _new_table(resets: bool) -> list[bytes]:
    """Return the 256 bytes, and an entry that is never read where 256 means a reset."""
    return [bytes([value]) for value in range(256)] + [b""] * resets


def _number(data: bytes, place: int, bits: int) -> int:
    """Read a number, its lowest bit first, at a place that is counted in bits."""
    byte, skipped = divmod(place, 8)
    return int.from_bytes(data[byte : byte + 3], "little") >> skipped & (1 << bits) - 1


def _end_of_group(start: int, place: int, bits: int) -> int:
    """Find where the group of eight numbers ends: numbers of another width begin there."""
    groups = -(-(place - start) // (8 * bits))
    return start + groups * 8 * bits
