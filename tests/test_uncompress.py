"""Files that the program compress packed."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from lessonlib.uncompress import uncompress
from tests.packed import packed
from tests.rows import each

SQUARES = " ".join(str(number * number) for number in range(400)).encode()
# What compress (ncompress 5.0) makes of them. Its numbers have 9 bits, then 10, then 11.
PACKED_SQUARES = base64.b64decode(
    """
H52QMEDEAEEDRA6BNkDIqAFiRkIaB20UxDEwBoyAMWRUpFEwho2DMXIklLFQYY2ROA7OkFHQ4UAaFwnSeImjYA0ZB2vcSGij
pI2dIG7gDFoTRM2BOWKKrAiDpUAYKQXGOCmQJMOMIgU6BMmx482KNmJ6pChwZ8eaIHM4VNiUoUaPCmXAOChjBoyCLGEMXBhT
Rti9N+4qxDFXYQ64dkvOiLF2JcSGDlvSIOsw5gyhA2fUbCnyIMysNKwSnEGVY1QaPQvS2PkyacAadwfWiFG0xsqcqxOeLKkT
aI0cQ8MWTT1QYkwbJ4sLLWgDR9TAVIWWvDEj642TB2/c4BgU+ECKMXHIIFtTolGJB52vTVrSe8Icnw2GLZiDMNOLGJvqfQqz
I4ywIEEFVwwWlURgXQkRyBFIHplHoHMVaSRWXRpVVQN3Ge0EEk5ZMSYaYzRQxVhzIFXnVAwz2bARTBihNpNAkxU1FVYC2QbU
VD1dVQMON6o4lEeadWSDRGC5VpZHFW134k5RxXBDDiKKZyBaCfL4kUBJYahWhSGFhVF9ZMnlEV53PSYXdSMV6BZjcGkEoEIh
CUaSmHHBFhBJ9im0mJwzxFfXDW3CVBJLM6zFEnoKQWTeQuPtdVJfv1XoF0t4IXelXymNJJ1b11Elww3O0SUlXjgkN5iROLG0
F5RFcThUYkDZlWNDc8XqoUpjtSTXi45Z9qmKkGXUUp9RFVpqQn2K1udvyCqqkm3ckYZZQypaJhFlzZl3GUsq7dQYYYodhaxz
hZkoWHV/EYRfQP3tBxNhqmVUWIpwhdYWQYQ+NN5jNKxkXr/NvTRTTBx9JRN8qtl2ZYhPPtRTSahZSlBgp13n1GpLEVQTwc69
CNG+BOUgVE56+fYfbxb5NtVQs9VnE6Wy4RSTbS6BYJt4NoUW1YXX6XYTb9jppuKVJ0lkE6AV6uSlzYSRteNJNmWZE5RreekT
DLPxZFFhKsLGnFz75XicXWGTJphxXIcIF3L3IqcwCEPeFZGlzFGs3NIBV5gtdx95FFFnCQUmWmA9B5XRc7Q5JVTNI8dEHUcD
UedyUCEOdR0MQPU8nYqZ/2S5UEVpdxRRLBKV8ZM3TXRRVIRJTJFoFDVsFILp4cQdDqRVeFR4qJF3k3mlonUewEYJzpCVcDkn
V3rkTgTffq4p9R/08tJHW2HApWhQYgypZcN6oT0GHw7mQTkZUtUGJNK0IvdJX8MH1cesQcC1J3+CF00W4IH+OQlsgaWziF1e
JMDm+KdfP5LbjbA2K4v0ZIEfSeB1ZAQVVT0lJWKZi6kI1JQTWSRUUpmKiDLyocN1iDHYkUr4OoIi70jlURjxSKOk8hEH+e8x
DypUguJkoJAAKkG7KkxGONgRjeSJhHaqykr2k5HqCEZYb8qIbQbkl3tl5CdrydCCqkIRB40HQlURiVjsspKK7AlDi9GQVriV
oEJ9qFBQamPvSnShE7nkf1sZo1nMiDsZVYdGjKnPjWDSwJlcJkGhAaTOZAQwAnZFLGr7X4iyB6MhNWk1IUKklK6ivw5BRI1T
wRqGZlPGGkkIIzcB41Qc4qALbVGECKpRWAx0ki7WaCdC3FF/agQcvQA=
"""
)


def test_a_file_that_compress_packed_is_read() -> None:
    assert uncompress(PACKED_SQUARES) == SQUARES


@each([b"", b"a", b"abab" * 50, bytes(range(256)) * 9], name=repr)
def test_numbers_start_anew_where_the_table_is_emptied(data: bytes) -> None:
    assert uncompress(packed(data)) == data


@pytest.mark.skipif(not shutil.which("gzip"), reason="has no gzip")
def test_gzip_reads_what_the_tests_pack(tmp_path: Path) -> None:
    file = tmp_path / "squares.Z"
    file.write_bytes(packed(SQUARES))
    done = subprocess.run(["gzip", "-dc", file], capture_output=True, check=True)
    assert done.stdout == SQUARES


@each([b"", b"\x1f\x9d", b"\x1f\x8b\x90abc", b"\x1f\x9d\x91", b"\x1f\x9d\x88"], name=repr)
def test_what_compress_did_not_pack_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a \\.Z file"):
        uncompress(data)


@each([b"\xff\x01", b"\x01\x01", b"\x61\x58\x02"], name=repr)
def test_a_number_beyond_the_table_is_an_error(numbers: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        uncompress(b"\x1f\x9d\x90" + numbers)
