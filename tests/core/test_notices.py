from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.notice_markup import html, plain
from gateway.core.notices import (
    BODY_CHARACTERS,
    KINDS,
    LANGUAGES,
    SUBJECT_CHARACTERS,
    VALUE_CHARACTERS,
    Kind,
    Language,
    MissingPersonalisationError,
    NoticeError,
    TemplateError,
    Templates,
    fill,
    names_in,
    neutral,
    written_day,
)
from tests.conftest import ROOT

HERE = ROOT / "schemas" / "notices"
FILES = {
    path.relative_to(HERE).as_posix(): path.read_bytes() for path in sorted(HERE.glob("*/*.md"))
}
TEMPLATES = Templates(FILES)
EXAMPLES: dict[str, dict[str, Any]] = tomllib.loads((HERE / "examples.toml").read_text("utf-8"))
EACH = [(kind, language) for kind in KINDS for language in LANGUAGES]


class Read(HTMLParser):
    """The elements of some HTML, and the text between them."""

    def __init__(self, told: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(told)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"br", "hr"}:
            self.text += "\n"
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data


ELEMENTS = {"h2", "h3", "p", "ul", "ol", "li", "blockquote", "br", "hr", "a"}

# --- every notice ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "language"), EACH)
def test_each_notice_can_be_written(kind: Kind, language: Language) -> None:
    written = TEMPLATES.render(kind, language, EXAMPLES[language])
    assert "((" not in written.subject + written.body + written.html
    assert "??" not in written.body
    read = Read(written.html)
    assert {tag for tag, _ in read.tags} <= ELEMENTS
    for name in TEMPLATES.get(kind, language).placeholders:
        value = EXAMPLES[language][name]
        assert isinstance(value, bool) or value in written.subject + written.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_are_of_the_placeholders_that_there_are(language: Language) -> None:
    used = {name for kind in KINDS for name in TEMPLATES.get(kind, language).placeholders}
    assert used == EXAMPLES[language].keys()


@pytest.mark.parametrize(("kind", "language"), EACH)
def test_each_notice_says_whom_to_ask_and_offers_post_and_the_other_language(
    kind: Kind, language: Language
) -> None:
    template = TEMPLATES.get(kind, language)
    assert "contact" in template.placeholders
    ending = template.body.rpartition("\n# ")[2]
    words = ("by post", "Welsh") if language == "en" else ("drwy'r post", "Saesneg")
    assert all(word in ending for word in words)


@pytest.mark.parametrize("kind", KINDS)
def test_both_languages_are_built_alike(kind: Kind) -> None:
    shapes = [
        [tag for tag, _ in Read(TEMPLATES.render(kind, each, EXAMPLES[each]).html).tags]
        for each in LANGUAGES
    ]
    assert shapes[0] == shapes[1]


def test_no_notice_has_a_place_for_the_person_it_concerns() -> None:
    """Names, numbers, addresses and sums of a person have no placeholder to come in by."""
    known = {
        "reference", "law", "contact", "code", "certificate", "webhook", "purpose", "form",
        "answer_link", "code_link", "order_link", "settings_link",
        "due_date", "code_expires", "comply_by", "tell_by", "report_by", "stop_on", "ends_on",
        "since", "failing_since", "stops_on",
        "submission", "rows", "rejections_link", "feed", "waiting", "feed_link",
        "open_with", "to_post", "to_electronic",
    }  # fmt: skip
    # An order that goes by post is the order itself; no other notice says what an order is.
    orders = {"deo_served", "deo_varied", "rdo_served", "lsdo_interim_served", "lsdo_final_served"}
    assert EXAMPLES["en"].keys() == known | {"order_terms"}
    telling = {k for k in KINDS if "order_terms" in TEMPLATES.get(k, "en").placeholders}
    assert telling == orders


@pytest.mark.parametrize("kind", KINDS)
def test_threats_and_officialese_are_left_out(kind: Kind) -> None:
    body = TEMPLATES.get(kind, "en").body.lower()
    banned = r"\b(must immediately|prosecut\w+|will be fined|failure to comply|hereby|pursuant|herein|forthwith|aforementioned|utilise|in order to|please be advised|warn\w*)\b"
    assert re.findall(banned, body) == []


# --- readable -------------------------------------------------------------------------------------


def sentences(text: str) -> list[list[str]]:
    """Sentences as lists of words; a line that ends without a full stop ends its sentence too."""
    words = re.sub(r"\(\(([^()?]+)\)\)", "value", text)
    words = re.sub(r"\(\([^()?]+\?\?([^()]+)\)\)", r"\1", words)
    lines = (re.sub(r"^(?:#+|[*^]|[0-9]+\.) ?", "", line) for line in words.splitlines())
    found = [part for line in lines for part in re.split(r"(?<=[.?!:])\s+", line)]
    return [part.split() for part in found if part.strip()]


@pytest.mark.parametrize("kind", KINDS)
def test_english_is_plain(kind: Kind) -> None:
    """GOV.UK: sentences of 25 words at most, and shorter on the whole."""
    lengths = [len(words) for words in sentences(TEMPLATES.get(kind, "en").body)]
    assert sum(lengths) / len(lengths) <= 14
    assert max(lengths) <= 25


def syllables(word: str) -> int:
    groups = len(re.findall(r"[aeiouy]+", word.lower()))
    return max(1, groups - (word.lower().endswith("e") and not word.lower().endswith("le")))


def test_english_can_be_read_at_fourteen() -> None:
    """Flesch-Kincaid grade of all notices together; grade 9 is read at about fourteen."""
    text = "\n".join(TEMPLATES.get(kind, "en").body for kind in KINDS)
    told = sentences(text)
    words = [re.sub(r"\W", "", word) for sentence in told for word in sentence]
    words = [word for word in words if word]
    grade = 0.39 * len(words) / len(told)
    grade += 11.8 * sum(map(syllables, words)) / len(words) - 15.59
    assert grade <= 9


# --- values ---------------------------------------------------------------------------------------

HOSTILE = [
    "((reference))",
    "((flag??words))",
    "[free money](https://evil.example)",
    "https://evil.example/",
    "http://evil.example",
    "# Heading",
    "* bullet\n* another",
    "^ inset",
    "one\n\n# two",
    "one\r\ntwo\u2028three\u2029four",
    "<script>alert(1)</script>",
    "\u202eright to left\u202c",
    "zero\u200bwidth\x00null",
    "](https://evil.example)",
    "[a]: https://evil.example",
    "---",
    "a & b &amp; <b>",
]
values = st.text(min_size=1, max_size=60) | st.sampled_from(HOSTILE)


@settings(deadline=None)
@given(st.sampled_from(EACH), st.data())
def test_a_value_is_text_and_nothing_else(each: tuple[Kind, Language], data: st.DataObject) -> None:
    kind, language = each
    asked = TEMPLATES.get(kind, language)
    harmless = dict(EXAMPLES[language])
    hostile = dict(harmless)
    for name in asked.placeholders:
        if name not in asked.flags and not name.endswith("_link"):
            told = data.draw(values.filter(plain))
            harmless[name], hostile[name] = "x", told
    calm, wild = (TEMPLATES.render(kind, language, each) for each in (harmless, hostile))
    assert Read(wild.html).tags == Read(calm.html).tags
    assert len(wild.body.splitlines()) == len(calm.body.splitlines())
    assert len(wild.subject.splitlines()) == 1
    # What stood there as text is what a reader sees, and nobody fills it in again.
    assert names_in(wild.body) == names_in(wild.subject) == ()
    for name in asked.placeholders:
        if hostile[name] != harmless[name]:
            seen = Read(wild.html).text + wild.subject
            assert plain(str(hostile[name])) in seen


@pytest.mark.parametrize("value", HOSTILE)
def test_an_honest_part_of_a_hostile_value_is_still_readable(value: str) -> None:
    letters = re.compile(r"[a-z]+")
    kept = plain(value).replace(" ", "")
    assert all(word in kept for word in letters.findall(value))


@pytest.mark.parametrize(
    "value", ["Smith & Sons (Leeds) Ltd", "O'Neil's #1 café - 24/7", "SI 2008/2551, reg 4(1)(c)"]
)
def test_an_ordinary_value_stays_as_it_is(value: str) -> None:
    assert plain(value) == value
    assert plain(plain(value)) == value


@given(st.text(max_size=200))
def test_making_a_value_harmless_twice_changes_nothing_more(value: str) -> None:
    assert plain(plain(value)) == plain(value)


@given(st.text(max_size=300))
def test_html_of_any_text_has_known_elements_only(text: str) -> None:
    told = Read(html(text))
    assert {tag for tag, _ in told.tags} <= ELEMENTS
    for tag, attributes in told.tags:
        assert attributes.keys() <= ({"href"} if tag == "a" else set())
        assert tag != "a" or str(attributes["href"]).startswith(("https://", "http://"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("# One\n\n## Two", "<h2>One</h2>\n<h3>Two</h3>"),
        ("* a\n* b\n\nc\nd", "<ul><li>a</li><li>b</li></ul>\n<p>c<br>d</p>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("^ a", "<blockquote><p>a</p></blockquote>"),
        ("a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>"),
        ("[a](https://b.example/c?d=1&e=2)", '<p><a href="https://b.example/c?d=1&amp;e=2">a</a></p>'),
        ("at https://b.example.", '<p>at <a href="https://b.example">https://b.example</a>.</p>'),
        ("[a](javascript:alert)", "<p>[a](javascript:alert)</p>"),
        ("<b>", "<p>&lt;b&gt;</p>"),
    ],
)  # fmt: skip
def test_html_of_the_markdown_that_notify_knows(text: str, told: str) -> None:
    assert html(text) == told


@pytest.mark.parametrize("left_out", ["due_date", "contact"])
def test_a_missing_value_is_named(left_out: str) -> None:
    for personalisation in (
        {name: told for name, told in EXAMPLES["en"].items() if name != left_out},
        EXAMPLES["en"] | {left_out: ""},
        EXAMPLES["en"] | {left_out: "\u200b \n"},
    ):
        with pytest.raises(MissingPersonalisationError, match=left_out) as error:
            TEMPLATES.render("reminder", "en", personalisation)
        assert error.value.names == (left_out,)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("reminder", {"due_date": True}),
        ("preference_changed", {"to_post": "yes"}),
        ("reminder", {"contact": "x" * (VALUE_CHARACTERS + 1)}),
        ("reminder", {"answer_link": "http://gateway.example"}),
        ("reminder", {"answer_link": "https://gateway.example/) [x](https://evil.example"}),
        ("reminder", {"answer_link": "javascript:alert(1)"}),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_and_not_repeated(
    kind: Kind, wrong: dict[str, Any]
) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(NoticeError, match=name) as error:
        TEMPLATES.render(kind, "en", EXAMPLES["en"] | wrong)
    assert str(value) not in str(error.value).removeprefix(f"{kind}: {name} is ")


@pytest.mark.parametrize(
    ("flags", "seen"),
    [
        ({"to_post": True, "to_electronic": False}, "notices by post"),
        ({"to_post": False, "to_electronic": True}, "no longer ask for everything"),
    ],
)
def test_words_are_shown_where_their_flag_is_true(flags: dict[str, Any], seen: str) -> None:
    body = TEMPLATES.render("preference_changed", "en", EXAMPLES["en"] | flags).body
    both = ("notices by post", "no longer ask for everything")
    assert [words for words in both if words in body] == [seen]


def test_what_notify_is_handed_is_filled_in_to_the_same_words() -> None:
    """Notify fills in the same text with what `neutral` gives; only the text we keep differs not."""
    wild = EXAMPLES["en"] | {"law": "[x](https://evil.example) ((contact))"}
    template = TEMPLATES.get("information_request", "en")
    assert fill(template.body, neutral(wild)) == TEMPLATES.render(template.kind, "en", wild).body


def test_days_are_written_in_both_languages() -> None:
    assert written_day(dt.date(2026, 12, 7), "en") == "7 December 2026"
    assert written_day(dt.date(2027, 8, 31), "cy") == "31 Awst 2027"


# --- templates that are refused -------------------------------------------------------------------


def with_one(text: str, path: str = "en/withdrawn.md") -> dict[str, bytes]:
    return FILES | {path: text.encode()}


HEAD = "subject: About ((reference))\n\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hello", "subject"),
        ("subject: a\nno empty line", "subject"),
        ("subject: a\n\n", "subject"),
        (HEAD + "Ask ((contact", "not closed"),
        (HEAD + "Ask ((a??((contact))))", "not closed"),
        (HEAD + "Ask ((Contact))", "name"),
        (HEAD + "Ask ((contact)) ((contact??us))", "flag"),
        (HEAD + "((contact)) is here", "begins with a value"),
        (HEAD + "* ((contact))", "begins with a value"),
        (HEAD + "1. ((contact))", "begins with a value"),
        (HEAD + "Ask somebody.", "different values"),
        (HEAD + "Ask ((contact)) ((more)).", "different values"),
        (HEAD + "Ask ((contact))." + "x" * BODY_CHARACTERS, "longer"),
        ("subject: " + "x" * (SUBJECT_CHARACTERS + 1) + "\n\nAsk ((contact)).", "longer"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(text: str, told: str) -> None:
    with pytest.raises(TemplateError, match=told):
        Templates(with_one(text))


def test_a_kind_that_is_missing_or_unknown_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"cy/overdue.md is missing"):
        Templates({path: text for path, text in FILES.items() if path != "cy/overdue.md"})
    with pytest.raises(TemplateError, match=r"en/party.md is no kind"):
        Templates(with_one(HEAD + "Ask ((contact)).", "en/party.md"))
    with pytest.raises(TemplateError, match=r"en/withdrawn.md: it is not UTF-8"):
        Templates(FILES | {"en/withdrawn.md": b"subject: \xff\n\nx"})


def test_a_notice_that_grows_too_long_is_refused() -> None:
    grown = HEAD + "Ask" + " ((contact))" * 40 + "."
    files = with_one(grown) | {"cy/withdrawn.md": grown.encode()}
    with pytest.raises(NoticeError, match="longer than a letter"):
        Templates(files).render(
            "withdrawn", "en", {"reference": "r", "contact": "c" * VALUE_CHARACTERS}
        )
