"""The interactive piece of the chapter on checksums."""

from lessonlib import checksums
from lessonlib.widgets.base import Piece

# Eight digits of no bank: with neighbours that differ by 5, and with twins.
NUMBER = "01610044"
COPY = "61010044"  # the first 0 and the 6 are swapped, over the 1
CODES = {
    "Luhn": checksums.luhn_digit,
    "3-7-1": checksums.aba_digit,
    "mod 97": lambda number: f"{98 - int(number + '00') % 97:02}",
    "Damm": checksums.damm_digit,
}


def checksum_bench() -> Piece:
    """Show one number under four codes: copy it wrongly, and see which of them notice.

    Returns
    -------
    Piece
        Shows as HTML at the end of a cell.
    """
    sums = {name: check(NUMBER) for name, check in CODES.items()}
    copied = {name: check(COPY) for name, check in CODES.items()}
    titles = ("code", "check", "copy's", "verdict")
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td>{sums[name]}</td><td>{copied[name]}</td>'
        f"<td>{'misses it' if sums[name] == copied[name] else 'notices'}</td></tr>"
        for name in CODES
    )
    missing = ", ".join(name for name in CODES if sums[name] == copied[name])
    said = f"The number {NUMBER} was copied as {COPY}: two digits, two places apart, are swapped."
    return Piece(
        "checksum_bench",
        "checksumBench",
        "Checksum bench",
        f"{said} It still fits {missing}; the other codes notice.",
        f"<p>{said}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>",
        {"number": NUMBER, "copy": COPY, "damm": checksums.DAMM_TABLE},
    )
