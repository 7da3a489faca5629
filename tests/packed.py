"""Packing as the program compress does, in the simplest way that it can be undone."""

GROUP = 8  # numbers; those after a reset begin with a new group
LITERALS = 200  # bytes between resets: so few that all numbers keep 9 bits


def packed(data: bytes) -> bytes:
    """Make a .Z file of single bytes and, after every 200 of them, a reset of the table."""
    content = b"\x1f\x9d\x90"
    for start in range(0, len(data), LITERALS):
        numbers = list(data[start : start + LITERALS])
        last = start + LITERALS >= len(data)
        if not last:
            numbers.append(256)
            numbers += [0] * (-len(numbers) % GROUP)
        value = sum(number << 9 * place for place, number in enumerate(numbers))
        content += value.to_bytes(-(-9 * len(numbers) // 8), "little")
    return content
