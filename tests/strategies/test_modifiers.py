"""Near-duplicates kept out, rare classes asked for, worked out by hand; names that are made of names."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidates, Strategy, UnknownStrategy, base, get, modifiers
from strategies.contract import CHECKS
from strategies.modifiers import compose, decompose, even_turns


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# Four directions, so that the mean is 0: A, its near-duplicate A' (cosine 0.995), B, C, D; A' is the second choice.
A, A2, B, C, D = [1.0, 0.0], [0.995, 0.0999], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]
FIVE = Candidates(
    ids=np.arange(5),
    embeddings=np.array([A, A2, B, C, D]),
    labeled_embeddings=np.empty((0, 2)),
    labeled_targets=np.empty(0, dtype=int),
)


@pytest.fixture
def first(registry: dict[str, Strategy]) -> Strategy:
    """Scores that prefer the candidate with the lowest id."""
    return base.register(Strategy("first", "test", frozenset(), "scores", lambda c, rng: -c.ids.astype(float)))


@pytest.fixture
def planner(registry: dict[str, Strategy]) -> list[tuple[list[int], int, list[int]]]:
    """What was asked of a batch planner named "plan": ids, how many, classes labeled. It takes the lowest ids."""
    asked: list[tuple[list[int], int, list[int]]] = []

    def plan(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
        assert c.labeled_targets is not None
        asked.append((c.ids.tolist(), n, c.labeled_targets.tolist()))
        return np.argsort(c.ids)[:n]

    base.register(Strategy("plan", "test", frozenset({"labeled"}), "selects", plan))
    return asked


def ask(name: str, c: Candidates, n: int, seed: int = 0) -> list[int]:
    return get(name).query(c, n, rng(seed)).positions.tolist()


# ---------------------------------------------------------------- distinct


def test_a_near_duplicate_of_a_better_choice_is_passed_over(first: Strategy) -> None:
    assert ask("first", FIVE, 3) == [0, 1, 2]
    assert ask("distinct(first)", FIVE, 3) == [0, 2, 3]


def test_near_duplicates_come_last_rather_than_not_at_all(first: Strategy) -> None:
    assert ask("distinct(first)", FIVE, 5) == [0, 2, 3, 4, 1]


def test_near_duplicates_of_labeled_items_come_last(first: Strategy) -> None:
    # the mean of all six is still near 0
    with_labeled = replace(FIVE, labeled_embeddings=np.array([[0.05, 0.999]]), labeled_targets=np.array([0]))
    assert ask("distinct(first)", with_labeled, 4) == [0, 3, 4, 1]


def test_a_planner_is_asked_again_for_those_that_are_missing(planner: list[tuple[list[int], int, list[int]]]) -> None:
    proba = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.5, 0.5]])
    assert ask("distinct(plan)", replace(FIVE, proba=proba), 3) == [0, 2, 3]
    # the second time without 0 and 1, where 0 counts as labeled with the class that is predicted, 0; then 2 as well
    assert planner == [([0, 1, 2, 3, 4], 3, []), ([3, 4], 1, [0, 1])]


def test_without_probabilities_chosen_items_count_as_the_labeled_one_that_is_nearest(
    planner: list[tuple[list[int], int, list[int]]],
) -> None:
    with_labeled = replace(
        FIVE, labeled_embeddings=np.array([[0.3, 0.2], [-0.3, -0.2]]), labeled_targets=np.array([7, 4]), proba=None
    )
    assert ask("distinct(plan)", with_labeled, 3) == [0, 2, 3]
    assert planner[-1] == ([3, 4], 1, [7, 4, 7, 7])


def test_without_any_class_nothing_is_assumed(planner: list[tuple[list[int], int, list[int]]]) -> None:
    assert ask("distinct(plan)", FIVE, 3) == [0, 2, 3]
    assert planner[-1] == ([3, 4], 1, [])


def test_two_that_differ_in_length_alone_are_no_duplicates_and_two_at_the_mean_are(first: Strategy) -> None:
    X = np.array([[3.0, 0], [1, 0], [-4, 0], [0, 0], [0, 0]])
    assert ask("distinct(first)", replace(FIVE, embeddings=X), 5) == [0, 1, 2, 3, 4]
    assert ask("distinct(first)", replace(FIVE, embeddings=X[[3, 4, 0, 1, 2]]), 4) == [0, 2, 3, 4]


def test_similarity_is_measured_from_the_mean(first: Strategy) -> None:
    """Features that are all positive have a high cosine, whatever they show."""
    far = FIVE.embeddings + 100
    assert ask("distinct(first)", replace(FIVE, embeddings=far), 5) == [0, 2, 3, 4, 1]


def duplicates(groups: int, copies: int, labeled: int = 0) -> Candidates:
    """Groups of equal items, one after the other, in as many dimensions as there are groups."""
    X = np.eye(groups, dtype=np.float16)
    return Candidates(
        ids=np.arange(groups * copies),
        proba=np.tile([0.6, 0.4], (groups * copies, 1)),
        embeddings=np.repeat(X, copies, axis=0),
        labeled_embeddings=X[:labeled],
        labeled_targets=np.zeros(labeled, dtype=int),
    )


@pytest.mark.parametrize("name", ["distinct(first)", "distinct(plan)"])
@pytest.mark.parametrize("copies", [1, 2, 300])
def test_a_batch_is_distinct_as_long_as_the_pool_is(
    name: str, copies: int, first: Strategy, planner: list[tuple[list[int], int, list[int]]]
) -> None:
    """Both prefer one group's copies to all others: three hundred copies of the first twelve fill several blocks."""
    groups, labeled = 12, 3
    chosen = np.array(ask(name, duplicates(groups, copies, labeled), groups * copies if copies < 3 else 20))
    assert len(set(chosen.tolist())) == len(chosen)
    fresh, others = chosen[: groups - labeled], chosen[groups - labeled :]
    assert sorted(fresh // copies) == [*range(labeled, groups)]
    assert len(others) == (groups * copies if copies < 3 else 20) - len(fresh)
    assert len(planner) <= modifiers.PASSES + 1


@given(st.integers(0, 2**20), st.integers(1, 30), st.integers(1, 30))
def test_no_near_duplicate_comes_before_the_last_distinct_one(seed: int, size: int, n: int) -> None:
    draw, n = rng(seed), min(n, size)
    c = replace(
        duplicates(1, size),
        embeddings=draw.integers(-2, 3, (size, 2)).astype(np.float32),
        labeled_embeddings=draw.integers(-2, 3, (2, 2)).astype(np.float32),
        labeled_targets=np.zeros(2, dtype=int),
    )
    chosen = ask("distinct(random)", c, n, seed)
    everything = np.concatenate([c.embeddings, c.labeled_embeddings])
    X = everything - everything.mean(axis=0)
    products, lengths = X @ X.T, (X**2).sum(axis=1)
    near = 2 * products >= modifiers.SIMILAR * (lengths[:, None] + lengths) - 1e-5
    like_earlier = [near[p, [*chosen[:i], size, size + 1]].any() for i, p in enumerate(chosen)]
    assert like_earlier == sorted(like_earlier)


# ---------------------------------------------------------------- balanced


def predicted(classes: list[int], labeled: list[int], of: int = 3) -> Candidates:
    return Candidates(
        ids=np.arange(len(classes)),
        proba=0.4 / of + 0.6 * np.eye(of)[classes],
        labeled_embeddings=np.zeros((len(labeled), 2)),
        labeled_targets=np.array(labeled, dtype=int),
    )


def test_the_class_with_fewest_labels_is_asked_for_until_it_has_as_many(first: Strategy) -> None:
    # two labels of class 0, one of class 1: class 2 has two turns or three before the others are as many
    c = predicted([0, 0, 0, 1, 1, 2, 2, 2], labeled=[0, 0, 1])
    assert ask("first", c, 3) == [0, 1, 2]
    chosen = ask("balanced(first)", c, 6)
    assert chosen[0] == 5  # counts 2 1 1
    assert set(chosen[1:3]) == {3, 6}  # 2 2 2
    assert set(chosen[3:6]) == {0, 4, 7}  # 3 3 3


def test_a_class_that_nothing_predicts_gets_no_place_and_one_that_is_used_up_no_more(first: Strategy) -> None:
    c = predicted([0, 0, 0, 2], labeled=[0, 0, 0])
    assert ask("balanced(first)", c, 4) == [3, 0, 1, 2]


def test_which_of_two_equal_classes_comes_first_is_drawn(first: Strategy) -> None:
    c = predicted([0, 1], labeled=[])
    firsts = [ask("balanced(first)", c, 1, seed)[0] for seed in range(200)]
    assert 60 < sum(firsts) < 140  # expected 100, standard deviation 7


def test_a_planner_is_asked_within_each_class(planner: list[tuple[list[int], int, list[int]]]) -> None:
    c = predicted([1, 0, 1, 0, 0], labeled=[0])
    assert sorted(ask("balanced(plan)", c, 3)) == [0, 1, 2]
    assert planner == [([1, 3, 4], 1, [0]), ([0, 2], 2, [0])]


def test_the_same_items_are_chosen_in_whatever_order_they_stand_where_classes_become_level() -> None:
    draw = rng(2)
    c = replace(predicted([], [0, 0, 1]), ids=np.arange(30), proba=draw.dirichlet(np.ones(3), 30))
    expected = set(ask("balanced(entropy)", c, 6))
    for seed in range(5):
        order = rng(seed).permutation(30)
        assert set(order[ask("balanced(entropy)", c.take(order), 6, seed)]) == expected


counts = st.integers(1, 6).flatmap(
    lambda classes: st.tuples(
        st.lists(st.integers(0, 9), min_size=classes, max_size=classes),
        st.lists(st.integers(0, 9), min_size=classes, max_size=classes),
    )
)


@given(counts, st.data())
def test_turns_fill_the_rarest_classes_first(both: tuple[list[int], list[int]], data: st.DataObject) -> None:
    labeled, available = map(np.array, both)
    n = data.draw(st.integers(0, int(available.sum())))
    turns = even_turns(labeled, available, n, rng(data.draw(st.integers(0, 99))))
    assert len(turns) == n
    for place in range(n + 1):  # any first part is even, too
        given_ = np.bincount(turns[:place], minlength=len(labeled))
        assert (given_ <= available).all()
        # moving any one place to a class that could have taken it would not make the counts more even
        after = labeled + given_
        could_take, has_given = after[given_ < available], after[given_ > 0]
        if len(could_take) and len(has_given):
            assert has_given.max() <= could_take.min() + 1


# ---------------------------------------------------------------- composition and names


def test_modifiers_compose() -> None:
    """A pair of duplicates in each class: one of each pair, and the classes in turn."""
    c = predicted([0, 0, 0, 0, 1, 1, 1, 1], labeled=[], of=2)
    c = replace(c, embeddings=np.eye(4).repeat(2, axis=0), labeled_embeddings=np.empty((0, 4)))
    for name in ("balanced(distinct(entropy))", "distinct(balanced(entropy))"):
        chosen = np.array(ask(name, c, 4))
        assert sorted(chosen // 2) == [0, 1, 2, 3]
        assert sorted(chosen[:2] // 4) == [0, 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "distinct(margin)",
        "distinct(k_center)",
        "distinct(modAL.uncertainty.margin_sampling)",
        "balanced(bald)",
        "balanced(random)",
        "distinct(balanced(entropy))",
        "balanced(distinct(max_herding))",
    ],
)
def test_a_modified_strategy_keeps_every_promise(name: str) -> None:
    assert [sentence for check in CHECKS if (sentence := check.broken(get(name)))] == []


def test_a_modified_strategy_describes_itself() -> None:
    strategy = get("distinct(margin)")
    assert strategy.name == "distinct(margin)"
    assert (strategy.family, strategy.kind) == ("uncertainty sampling", "selects")
    assert strategy.needs == {"proba", "embeddings", "labeled"}
    assert strategy.summary == get("margin").summary.rstrip(".") + ", without near-duplicates in a batch."
    assert strategy.source.startswith(get("margin").source.rstrip("."))
    assert "Shen et al. 2004" in strategy.source
    assert get("balanced(k_means)").needs == {"embeddings", "proba", "labeled"}
    assert get("balanced(random)").family == "control"
    assert get(" balanced( distinct(random) ) ").name == "balanced(distinct(random))"


def test_a_strategy_of_which_nothing_is_said_goes_by_its_name(first: Strategy) -> None:
    assert get("distinct(first)").summary == "first, without near-duplicates in a batch."
    assert get("distinct(first)").source == "Shen et al. 2004, section 2.3.2."


def test_modals_functions_can_be_modified_too() -> None:
    proba = np.array([[0.5, 0.5], [0.5, 0.5], [0.6, 0.4], [0.7, 0.3], [0.9, 0.1]])
    chosen = ask("distinct(modAL.uncertainty.margin_sampling)", replace(FIVE, proba=proba), 3)
    assert chosen[0] in (0, 1)
    assert chosen[1:] == [2, 3]


def test_an_inner_name_means_what_it_means_where_it_is_asked_for() -> None:
    """Two projects may each have a strategy of the same name."""
    for best in (0, 3):
        with base.registry({}):
            mine = Strategy("mine", "test", frozenset(), "scores", lambda c, rng, best=best: 1.0 * (c.ids == best))
            base.register(mine)
            assert ask("distinct(mine)", FIVE, 1) == [best]
    with pytest.raises(UnknownStrategy, match="there is no strategy 'mine'"):
        get("distinct(mine)")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("distinct(marign)", "there is no strategy 'marign'; alike are margin"),
        ("balanced(distinct(marign))", "there is no strategy 'marign'; alike are margin"),
        ("balanced(modAL.nothing)", "there is no strategy 'modAL.nothing'; of modAL"),
        ("distinct(margin", r"'distinct\(margin' is not understood: write distinct\(STRATEGY\)"),
        ("distinct(margin))", "is not understood"),
        ("distinct(balanced(margin)", "is not understood"),
        ("distinct()", r"e.g. distinct\(margin\)"),
        ("distinct( )", "is not understood"),
        ("balanced", r"'balanced' is not understood: write balanced\(STRATEGY\)"),
        ("unknown(margin)", r"there is no strategy 'unknown\(margin\)'"),
    ],
)
def test_a_name_that_cannot_be_used_is_answered_in_words(name: str, sentence: str) -> None:
    with pytest.raises(UnknownStrategy, match=sentence):
        get(name)


@given(st.lists(st.sampled_from([*modifiers.MODIFIERS]), max_size=4))
def test_names_are_taken_apart_as_they_were_put_together(chosen: list[str]) -> None:
    assert decompose(compose(chosen, "modAL.batch.x")) == (chosen, "modAL.batch.x")


@pytest.mark.parametrize("name", ["margin", "distinct", "distinct(", "distinct()", "other(margin)"])
def test_a_name_without_modifier_is_not_split(name: str) -> None:
    assert decompose(name) == ([], name)


def test_compose_puts_the_first_outermost() -> None:
    assert compose(["balanced", "distinct"], "margin") == "balanced(distinct(margin))"
    assert decompose(" balanced( distinct(margin) )") == (["balanced", "distinct"], "margin")
