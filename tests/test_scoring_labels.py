"""What a labels.csv may hold, and what is said about one that can't be used."""

from pathlib import Path

import pytest

from lessonlib.scoring.labels import LabelledField, read_fields, read_labels


def table(folder: Path, text: str) -> Path:
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return folder


# ---------------------------------------------------------------- what is read


def test_a_row_s_name_digits_and_boxes_are_read_and_other_columns_ignored(tmp_path: Path) -> None:
    rows = "a.png,12,x, 1 2 3 4 ; 5 6 7 8 \nb.png,3,y,\nc.png,4\n"
    assert read_fields(table(tmp_path, "file,digits,note,boxes_xywh\n" + rows)) == [
        LabelledField("a.png", "12", ((1, 2, 3, 4), (5, 6, 7, 8))),
        LabelledField("b.png", "3", None),
        LabelledField("c.png", "4", None),
    ]


def test_a_table_need_not_have_boxes(tmp_path: Path) -> None:
    fields = read_fields(table(tmp_path, "file,digits\na.png,1\nb.png,2\n"))
    assert [field.boxes for field in fields] == [None, None]


def test_names_and_digits_can_be_had_alone(tmp_path: Path) -> None:
    folder = table(tmp_path, "digits,file\n12,a.png\n3,b.png\n")
    assert read_labels(folder) == (["a.png", "b.png"], ["12", "3"])


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"\xef\xbb\xbffile,digits\r\na.png,12\r\n")
    assert read_fields(tmp_path) == [LabelledField("a.png", "12")]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns file and digits"),
        ("file,text\na.png,12\n", "columns file and digits"),
        ("file,digits\n", "names no field"),
        ("file,digits\na.png,12.50\n", "digits only"),
        ("file,digits\na.png,١٢\n", "digits only"),
        ("file,digits\na.png\n", "digits only"),
        ("digits,file\n12\n", "must name its file"),
        ("file,digits\n,12\n", "must name its file"),
        ('file,digits\n"' + "x" * 200_000 + '",1\n', "no table.*save it as CSV in UTF-8"),
        ("file,digits,boxes_xywh\na.png,12,1 2 3 4\n", "each of the 2 digits"),
        ("file,digits,boxes_xywh\na.png,1,1 2 3\n", r"a\.png must be one"),
        ("file,digits,boxes_xywh\na.png,1,1 2 3 4;\n", r"a\.png must be one"),
        ("file,digits,boxes_xywh\na.png,1,1 2 0 4\n", r"a\.png must be one"),
        ("file,digits,boxes_xywh\na.png,1,1 -2 3 4\n", r"a\.png must be one"),
        ("file,digits,boxes_xywh\na.png,1,1 2 3.5 4\n", r"a\.png must be one"),
        ("file,digits,boxes_xywh\na.png,1," + "9" * 9999 + " 2 3 4\n", r"a\.png must be one"),
    ],
)
def test_a_table_without_usable_labels_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_fields(table(tmp_path, text))


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("file,digits\nnúmero.png,1\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"labels\.csv is no table .*save it as CSV in UTF-8"):
        read_fields(tmp_path)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file .*labels\.csv: it must list"):
        read_fields(tmp_path)


def test_labels_that_may_not_be_read_are_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    folder = table(tmp_path, "file,digits\na.png,1\n")
    monkeypatch.setattr(Path, "open", refuse)  # root may read everything
    with pytest.raises(PermissionError, match=r"csv can't be read \(Permission denied\): check"):
        read_fields(folder)


@pytest.mark.parametrize("again", ["a.png", "./a.png", "b/../a.png", "../images/a.png"])
def test_two_rows_for_one_image_are_an_error_that_names_both_lines(
    tmp_path: Path, again: str
) -> None:
    folder = table(tmp_path, f"file,digits\na.png,12\n\nb.png,3\n{again},12\n")
    with pytest.raises(ValueError, match=r"csv: lines 2 and 5 both name .*a\.png: keep one"):
        read_fields(folder)


def test_an_error_in_a_row_names_its_line(tmp_path: Path) -> None:
    folder = table(tmp_path, "file,digits\na.png,1\n\nb.png,1.5\n")
    with pytest.raises(ValueError, match=r"csv, line 4: the label of b\.png must be digits"):
        read_fields(folder)
