"""Other tools' own pages, driven in a browser, with this program behind them."""
