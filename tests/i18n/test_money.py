from contextvars import copy_context

import pytest

from labeler.i18n.messages import use
from labeler.i18n.money import money, symbol


@pytest.mark.parametrize(
    ("language", "amount", "currency", "written"),
    [
        ("en", 12.5, "USD", "$12.50"),
        ("en", 123456.7, "USD", "$123,457"),
        ("ko", 12.5, "USD", "US$12.50"),
        ("ko", 12500, "KRW", "₩12,500"),
        ("ko", 980, "krw", "₩980"),
        ("en", 12.5, "points", "12.50 points"),
        ("ko", 2500, "₩", "2,500 ₩"),
    ],
)
def test_an_amount_is_written_in_the_readers_way(language: str, amount: float, currency: str, written: str) -> None:
    def in_language() -> str:
        use(language)
        return money(amount, currency)

    assert copy_context().run(in_language) == written


def test_a_title_has_the_symbol_of_a_currency_or_its_own_text() -> None:
    assert [symbol(currency) for currency in ("KRW", "usd", "points", "XYZ")] == ["₩", "$", "points", "XYZ"]
