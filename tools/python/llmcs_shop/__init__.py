"""libllmcs_shop from Python: what an online shop needs on top of llmcs.

    import llmcs, llmcs_shop
    encoder = llmcs.Model("path/to/encoder")
    with llmcs_shop.Shop("shop.db", encoder=encoder, create=True) as shop:
        shop.put_products(products)                      # dicts, as in a line of JSON
        shop.put_events(events)

    bleu = llmcs_shop.Measure("bleu")
    bleu.add_text("The parcel came on Monday.", "The parcel arrived on Monday.")
    print(bleu.score(), bleu.interval())

Names and meanings are those of include/llmcs_shop*.h; errors, threads, Ctrl-C and fork() are as in llmcs. Rows that a
store refuses are named with a reason (Stored.refused), and the others are stored.

The library is looked for in $LLMCS_SHOP_LIBRARY, then next to libllmcs, then by the system's loader.
"""

from ._metrics import Measure, ScoreInterval
from ._native import lib as _lib
from ._shop import Refused, Shop, Stored

__all__ = ["Measure", "Refused", "ScoreInterval", "Shop", "Stored", "version"]


def version() -> str:
    """The library's version."""
    return str(_lib.llmcs_shop_version().decode())


__version__ = version()
