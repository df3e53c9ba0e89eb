"""Names that the differential tier found us to judge otherwise than the API server."""

import pytest

from components.kubernetes_names import META_KEY, OBJECT_NAME, is_annotation_key


@pytest.mark.parametrize("name", ["a..b", "a.-b", "a-.b", "a" * 254, ".".join(["a"] * 128)])
def test_no_label_of_a_dotted_name_is_empty_or_ends_in_a_dash_and_all_have_253_characters_at_most(name: str) -> None:
    assert OBJECT_NAME.fullmatch(name) is None
    assert META_KEY.fullmatch(f"{name}/key") is None


@pytest.mark.parametrize("name", ["a", "a.b", "a--b.0", "a" * 253, ".".join(["a"] * 127)])
def test_dotted_names_are_as_long_as_the_api_server_lets_them(name: str) -> None:
    assert OBJECT_NAME.fullmatch(name)
    assert META_KEY.fullmatch(f"{name}/{'Key_' * 15}abc")


def test_only_an_annotations_key_may_have_capitals_before_its_slash() -> None:
    assert is_annotation_key("Example.org/Key")
    assert META_KEY.fullmatch("Example.org/Key") is None
    assert not is_annotation_key("example..org/key")
