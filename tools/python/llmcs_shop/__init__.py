"""libllmcs_shop from Python: what an online shop needs on top of llmcs.

    import llmcs, llmcs_shop
    encoder = llmcs.Model("path/to/encoder")
    with llmcs_shop.Shop("shop.db", encoder=encoder, create=True) as shop:
        shop.put_products(products)                      # dicts, as in a line of JSON
        shop.put_events(events)
        shop.put_entries(faq)
        reply = shop.ask("Can I send the shoes back?")   # reply.route, .text, .probability, .citations
        print(shop.recommend(customer="c001")[0].reason)

    with llmcs_shop.Desk("shop.db") as desk:             # a store with the settings of `llmcs-shop init`
        turn = desk.say("Where is my order?", conversation="web-17", customer="c001")
        print(turn.reply, turn.route, turn.action)

    intents = llmcs_shop.Classifier.train(texts, labels, encoder=encoder, oos_label="oos")
    intents.save("intents.head")
    print(intents.predict("has my parcel been sent?").label)

    guard, names = llmcs_shop.Guard(tagger="names.tagger"), llmcs_shop.Names()
    masked = guard.mask("I'm Ann Lee, call 415-555-2671", names)        # masked.text, masked.spans
    print(names.unmask(masked.text))

    shop.put_feedback([{"id": "f1", "text": "it never came", "model": "intents", "label": "track_order", "consent": True}], guard)
    made = shop.retrain("intents", base=rows, tests=held_out)           # made.version, made.contest
    shop.promote("intents", made.version)
    choice = shop.decide("opening", "turn-17", ["apologise", "explain"], context="angry")
    shop.reward("opening", "turn-17", 1.0)

    helper = llmcs_shop.Assistant(shop, guard)
    offered = helper.suggest("web-17")                                  # offered[0].text, .citations, .verdict, .action
    helper.decide(offered[0].id, "accepted")
    print(helper.rewrite("You must send it back.", "politer"))

    bleu = llmcs_shop.Measure("bleu")
    bleu.add_text("The parcel came on Monday.", "The parcel arrived on Monday.")
    print(bleu.score(), bleu.interval())

Names and meanings are those of include/llmcs_shop*.h; errors, threads, Ctrl-C and fork() are as in llmcs. A put method
stores the valid rows and lists the others with reasons (Stored.refused).

Search order for the library: $LLMCS_SHOP_LIBRARY, the wheel, build/lib of this source tree, the folder of libllmcs, the
system's loader. library_path() names the file in use.
"""

from llmcs._library import file_of as _file_of

from ._assist import Assistant, Source, Suggestion
from ._classifier import Classifier, ClassifierSlot, Evidence, Prediction
from ._desk import Action, Conversation, Desk, DeskTurn, Handover, HostCall, PastTurn
from ._guard import Guard, Masked, MaskedSpan, Names, Reason, Verdict, train_tagger
from ._inputs import Refused, Stored
from ._knowledge import Candidate, Citation, Reply
from ._learn import Contest, Rollout, Version, compare
from ._metrics import Measure, ScoreInterval
from ._native import lib as _lib
from ._privacy import AuditRow, Erased, Report, may
from ._recommend import Recommended
from ._shop import Shop
from ._strategy import Chosen, Estimated, LoggedRow, OffPolicyResult, evaluate_policy
from ._wording import GateVerdict, gate

__all__ = [
    "Action",
    "Assistant",
    "AuditRow",
    "Candidate",
    "Chosen",
    "Citation",
    "Classifier",
    "ClassifierSlot",
    "Contest",
    "Conversation",
    "Desk",
    "DeskTurn",
    "Erased",
    "Estimated",
    "Evidence",
    "GateVerdict",
    "Guard",
    "Handover",
    "HostCall",
    "LoggedRow",
    "Masked",
    "MaskedSpan",
    "Measure",
    "Names",
    "OffPolicyResult",
    "PastTurn",
    "Prediction",
    "Reason",
    "Recommended",
    "Refused",
    "Reply",
    "Report",
    "Rollout",
    "ScoreInterval",
    "Shop",
    "Source",
    "Stored",
    "Suggestion",
    "Verdict",
    "Version",
    "compare",
    "evaluate_policy",
    "gate",
    "library_path",
    "may",
    "train_tagger",
    "version",
]


def version() -> str:
    """The library's version."""
    return str(_lib.llmcs_shop_version().decode())


def library_path() -> str:
    """The file of the shared library that is loaded."""
    return _file_of(_lib.llmcs_shop_version)


__version__ = version()
