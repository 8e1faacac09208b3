"""Decisions with logged propensities, and off-policy evaluation."""

from __future__ import annotations

import ctypes as c
from typing import Any, List, NamedTuple, Optional, Sequence, Union

import llmcs
from llmcs._errors import call
from llmcs._inputs import c_string, choice, integer, items, number
from llmcs._native import i32, sized, u64

from . import _inputs as rows
from ._knowledge import _held
from ._native import DecideParams, Decision, Logged, OffPolicy, Option, TargetParams, f64, i64, initialised, lib

_POLICIES = ("thompson", "gauss", "greedy")


class Chosen(NamedTuple):
    """A decision: the candidate's id, the probability of choosing it, those of all candidates, and the expected reward of
    each in this context. means and features are None if the decision was made before (repeated)."""

    candidate: str
    propensity: float
    propensities: List[float]
    means: Optional[List[float]]
    features: Optional[List[float]]
    repeated: bool


class Estimated(NamedTuple):
    """A mean reward with its 95 % interval."""

    value: float
    low: float
    high: float


class OffPolicyResult(NamedTuple):
    """The mean reward of a policy, estimated from the log of another: by inverse propensities (ips), self-normalised
    (snips), doubly robust (dr). log: the mean reward of the log itself. effective_n: effective sample size."""

    n: int
    effective_n: float
    max_weight: float
    log: Estimated
    ips: Estimated
    snips: Estimated
    dr: Estimated


class LoggedRow(NamedTuple):
    """A logged decision, and the target policy's probability of each action in its context."""

    context: str
    action: int
    propensity: float
    reward: float
    target: Sequence[float]


def _result(found: Any) -> OffPolicyResult:
    estimates = [Estimated(e.value, e.low, e.high) for e in (found.log, found.ips, found.snips, found.dr)]
    return OffPolicyResult(found.n, found.effective_n, found.max_weight, *estimates)


def evaluate_policy(log: Any) -> OffPolicyResult:
    """Estimates the mean reward of the log's target policy. log: LoggedRows, or tuples of the same values."""
    given = [LoggedRow(*row) for row in items("log", log)]
    n_actions = len(given[0].target) if given else 1
    structs = (Logged * max(1, len(given)))()
    kept = []
    for i, (slot, row) in enumerate(zip(structs, given)):
        target = rows.doubles("log[%d].target" % i, row.target)
        if len(target) != n_actions:
            raise ValueError("log[%d].target: expected %d probabilities, got %d" % (i, n_actions, len(target)))
        kept.append(target)
        slot.context = c_string("log[%d].context" % i, row.context)
        slot.action = integer("log[%d].action" % i, row.action, i32)
        slot.propensity = number("log[%d].propensity" % i, row.propensity)
        slot.reward = number("log[%d].reward" % i, row.reward)
        slot.target = c.cast(target, c.POINTER(f64))
    found = sized(OffPolicy)
    call(lib.llmcs_shop_evaluate_policy, structs, len(given), n_actions, None, c.byref(found))
    return _result(found)


class Strategist:
    """The part of a Shop that decides among candidates."""

    def decide(
        self,
        strategy: str,
        decision: str,
        candidates: Sequence[Union[str, "tuple[str, str]"]],
        policy: str = "thompson",
        context: str = "",
        conversation: Optional[str] = None,
        explore: float = 0.1,
        strength: float = 4,
        seed: int = 0,
        writer: "Optional[llmcs.Session]" = None,
        history: Optional[str] = None,
        n_history: int = 16,
    ) -> Chosen:
        """Decides among candidates (ids, or pairs of id and text) and logs it. The same decision id gives the same
        choice again. policy: "thompson" for rewards of 0 to 1, "gauss" for any, "greedy". writer: a decoder's session
        that scores the candidates after the strategy's history."""
        params, made = initialised(DecideParams), sized(Decision)
        params.policy = choice("policy", policy, _POLICIES)
        params.context = c_string("context", context)
        params.conversation, params.history = rows.string("conversation", conversation), rows.string("history", history)
        params.explore, params.strength = number("explore", explore), number("strength", strength)
        params.seed, params.n_history = integer("seed", seed, u64), integer("n_history", n_history, i32)
        pairs = [(x, None) if isinstance(x, str) else tuple(x) for x in items("candidates", candidates)]
        options = (Option * max(1, len(pairs)))()
        for i, (slot, (name, words)) in enumerate(zip(options, pairs)):
            slot.id, slot.text = c_string("candidates[%d]" % i, name), rows.string("candidates[%d]" % i, words)
        ids = c_string("strategy", strategy), c_string("decision", decision)
        with self._using() as h, _held("writer", writer, llmcs.Session) as session:  # type: ignore[attr-defined]
            params.writer = session
            call(lib.llmcs_shop_decide, h, *ids, options, len(pairs), c.byref(params), c.byref(made))
        n, repeated = len(pairs), bool(made.repeated)
        return Chosen(
            pairs[made.chosen][0],
            made.propensity,
            list(made.propensities[:n]),
            None if repeated else list(made.means[:n]),
            None if repeated or writer is None else list(made.features[:n]),
            repeated,
        )

    def reward(self, strategy: str, decision: str, reward: float) -> None:
        """Logs the reward of a decision, once."""
        ids = c_string("strategy", strategy), c_string("decision", decision)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_reward, h, *ids, number("reward", reward))

    def evaluate_strategy(
        self,
        strategy: str,
        candidate: Optional[str] = None,
        explore: float = 0,
        strength: float = 4,
        since: Any = None,
        max_rows: int = 100000,
    ) -> OffPolicyResult:
        """Estimates the reward of a policy from the log of a strategy: always `candidate`, or the best of each context."""
        params, found = initialised(TargetParams), sized(OffPolicy)
        params.candidate = rows.string("candidate", candidate)
        params.explore, params.strength = number("explore", explore), number("strength", strength)
        params.since = integer("since", rows.seconds("since", since), i64)
        params.max_rows = integer("max_rows", max_rows, u64)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_evaluate_strategy, h, c_string("strategy", strategy), c.byref(params), c.byref(found))
        return _result(found)
