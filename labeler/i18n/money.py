"""Amounts of money, written as the reader's language writes them."""

from labeler.i18n.messages import language

# Imports of babel are deferred: it is slow to load.

LARGE = 1000  # from here on cents are left out


def usual_currency() -> str:
    """The code of the currency that a new project has, by the reader's language."""
    return "KRW" if language() == "ko" else "USD"


def money(amount: float, currency: str) -> str:
    """An amount with its currency, such as $12.50 or ₩12,500.

    A currency by its code has the symbol, place and decimals of the language; any other text stands behind the amount.
    """
    from babel.core import Locale
    from babel.numbers import format_currency, get_currency_precision

    code, large = currency.upper(), amount >= LARGE
    if code in Locale.parse(language()).currencies:
        decimals = 0 if large else get_currency_precision(code)
        pattern = "¤#,##0" + ("." + "0" * decimals if decimals else "")
        return format_currency(amount, code, pattern, locale=language(), currency_digits=False)
    return f"{amount:,.0f} {currency}" if large else f"{amount:,.2f} {currency}"


def symbol(currency: str) -> str:
    """The symbol of a currency by its code, such as ₩; any other text as it is."""
    from babel.numbers import get_currency_symbol

    return get_currency_symbol(currency.upper(), locale=language()) if len(currency) == 3 else currency
