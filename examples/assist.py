#!/usr/bin/env python3
"""The agent's view: waiting conversations, suggested replies, and sent replies that become suggestions themselves.

    examples/shop/import.sh shop.db
    examples/assist.py shop.db

Two customers ask for a person. The first is answered with the suggestion of the knowledge base, changed a little and made
politer; for the second, who asks much the same, that reply is among the suggestions.
"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools", "python"))
import llmcs  # noqa: E402
import llmcs_shop  # noqa: E402

AGENT = "agent-7"


def customer_asks(desk, conversation, customer, *messages):
    for text in messages:
        turn = desk.say(text, conversation=conversation, customer=customer)
        print("%s  %s\n      desk: %s" % (customer, text, turn.reply.replace("\n", " ")))
    if turn.handover:
        print("      waits for a person: %s" % turn.handover.reason)


def suggest(helper, conversation, question):
    print("\n%s, suggestions:" % conversation)
    # The last message was "agent"; the one before it is the question to answer.
    offered = helper.suggest(conversation, text=question, actor=AGENT)
    for n, s in enumerate(offered, 1):
        cited = ", ".join("%s version %d" % (c.id, c.version) for c in s.citations) or s.source
        print("  %d. %s %.2f %s [%s, %.0f ms]\n     %s" % (n, s.kind, s.score, s.verdict, cited, s.ms, s.text.replace("\n", " ")))
    return offered


def send(desk, helper, conversation, suggestion, edited=None):
    """Sends a suggestion, unchanged or edited, and stores the outcome."""
    if edited is None or edited == suggestion.text:
        helper.decide(suggestion.id, "accepted", actor=AGENT)
    else:
        helper.decide(suggestion.id, "edited", sent=edited, actor=AGENT)
    desk.take_over(conversation, AGENT)
    desk.reply(conversation, AGENT, edited or suggestion.text)
    desk.hand_back(conversation, AGENT)
    print("  sent: %s\n" % (edited or suggestion.text).replace("\n", " "))


def main():
    parser = argparse.ArgumentParser(description="suggested replies for an agent")
    parser.add_argument("store", help="a store created by examples/shop/import.sh")
    parser.add_argument("--encoder", default=os.path.join(HERE, "models", "shop-encoder"), help="the store's model")
    options = parser.parse_args()
    guard = llmcs_shop.Guard()
    with llmcs_shop.Shop(options.store, encoder=llmcs.Model(options.encoder)) as shop, llmcs_shop.Desk(options.store) as desk:
        helper = llmcs_shop.Assistant(shop, guard)

        question = "The kettle I bought in spring died. Who pays for the repair?"
        customer_asks(desk, "web-1", "c001", "agent")
        offered = suggest(helper, "web-1", question)
        text = "The kettle is within its 12 months of warranty. Click Repair under My Orders, and you pay nothing."
        send(desk, helper, "web-1", offered[0], helper.rewrite(text, "politer"))

        question = "My kettle bought in spring is dead, do I pay for repairing it?"
        customer_asks(desk, "web-2", "c004", "agent")
        offered = suggest(helper, "web-2", question)
        past = [s for s in offered if s.kind == "past"]
        send(desk, helper, "web-2", (past or offered)[0])

        for turn in desk.history("web-1").turns:
            print("web-1 %d  %s%s" % (turn.number, turn.text or turn.agent + ":", " " + turn.reply.replace("\n", " ")))


if __name__ == "__main__":
    main()
