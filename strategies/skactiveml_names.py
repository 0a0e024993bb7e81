"""scikit-activeml's pool strategies, written down so that their names are known without importing it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from strategies.base import Need


@dataclass(frozen=True)
class Known:
    """A strategy of scikit-activeml.

    settings: what its constructor is given beside random_state. fits: the classifiers that it fits itself, by the
    argument of its query; proba then says how many classes there are.
    """

    needs: tuple[Need, ...]
    family: str
    asks: str
    paper: str
    settings: dict[str, Any] = field(default_factory=dict)
    fits: dict[str, Literal["logistic", "mixture"]] = field(default_factory=dict)


_PROBA: tuple[Need, ...] = ("proba",)
_MEMBERS: tuple[Need, ...] = ("member_proba",)
_BOTH: tuple[Need, ...] = ("proba", "embeddings")
_SPACE: tuple[Need, ...] = ("embeddings", "labeled")
_ALL: tuple[Need, ...] = ("proba", "embeddings", "labeled")
_UNCERTAINTY, _COMMITTEE, _EXPECTED = "uncertainty sampling", "query by committee", "expected model change"

# By class, and after it the method where it takes one.
KNOWN: dict[str, Known] = {
    "RandomSampling": Known((), "control", "Any items, each as likely", "the control of every comparison"),
    "UncertaintySampling.least_confident": Known(
        _PROBA, _UNCERTAINTY, "Items whose predicted class is least probable", "Settles 2010, section 3.1"
    ),
    "UncertaintySampling.margin_sampling": Known(
        _PROBA, _UNCERTAINTY, "Items whose two most likely classes are closest", "Settles 2010, section 3.1"
    ),
    "UncertaintySampling.entropy": Known(
        _PROBA, _UNCERTAINTY, "Items whose class has the highest entropy", "Settles 2010, section 3.1"
    ),
    "EpistemicUncertaintySampling": Known(
        _ALL,
        _UNCERTAINTY,
        "Items for which either of two classes is plausible by what is labeled (two classes only)",
        "Nguyen, Destercke & Hüllermeier 2019",
        fits={"clf": "logistic"},
    ),
    "CostEmbeddingAL": Known(
        _SPACE, _UNCERTAINTY, "Items that regressors place far from every class", "Huang & Lin 2016"
    ),
    "QueryByCommittee.KL_divergence": Known(
        _MEMBERS, _COMMITTEE, "Items whose members are far from their mean", "McCallum & Nigam 1998"
    ),
    "QueryByCommittee.vote_entropy": Known(
        _MEMBERS, _COMMITTEE, "Items on which the members' votes are most divided", "Engelson & Dagan 1996"
    ),
    "QueryByCommittee.variation_ratios": Known(
        _MEMBERS, _COMMITTEE, "Items on which most members vote against the majority", "Freeman 1965"
    ),
    "GreedyBALD": Known(
        _MEMBERS, _COMMITTEE, "Items on which sure members disagree, each looked at alone", "Houlsby et al. 2011"
    ),
    "BatchBALD": Known(
        _MEMBERS, _COMMITTEE, "Items on which sure members disagree, as a batch", "Kirsch, van Amersfoort & Gal 2019"
    ),
    "MonteCarloEER.misclassification_loss": Known(
        _ALL, _EXPECTED, "Items whose label leaves the fewest errors", "Roy & McCallum 2001", fits={"clf": "logistic"}
    ),
    "MonteCarloEER.log_loss": Known(
        _ALL, _EXPECTED, "Items whose label leaves the least entropy", "Roy & McCallum 2001", fits={"clf": "logistic"}
    ),
    "ValueOfInformationEER": Known(
        _ALL, _EXPECTED, "Items whose label saves the most cost", "Kapoor et al. 2007", fits={"clf": "logistic"}
    ),
    # by a kernel of the library's own: proba does not say how many neighbours are labeled
    "ProbabilisticAL": Known(
        _ALL, _EXPECTED, "Items whose neighbourhood gains most by a label", "Kottke et al. 2016", {"metric": "rbf"}
    ),
    "CoreSet": Known(_SPACE, "core-set", "Items farthest from what is labeled or chosen", "Sener & Savarese 2018"),
    "DiscriminativeAL": Known(
        _SPACE,
        "core-set",
        "Items that a classifier tells from what is labeled",
        "Gissin & Shalev-Shwartz 2019",
        fits={"discriminator": "logistic"},
    ),
    "TypiClust": Known(_SPACE, "low budget", "Typical items of clusters without labels", "Hacohen et al. 2022"),
    "ProbCover": Known(_SPACE, "low budget", "Items that cover most others within a ball", "Yehuda et al. 2022"),
    "MaxHerding": Known(_SPACE, "low budget", "Items that represent the pool best", "Bae, Noh & Sutherland 2024"),
    "Badge": Known(_BOTH, "hybrid", "Items whose gradients are large and differ", "Ash et al. 2020"),
    "Clue.entropy": Known(_BOTH, "hybrid", "Centres of clusters weighted by entropy", "Prabhu et al. 2021"),
    "Falcun": Known(_PROBA, "hybrid", "Items whose probabilities are uncertain and differ", "Gilhuber et al. 2024"),
    "DropQuery": Known(
        _ALL,
        "hybrid",
        "Centres of clusters of items whose class changes when features are dropped",
        "Gupte et al. 2024",
        fits={"clf": "logistic"},
    ),
    "ContrastiveAL": Known(
        _ALL,
        "hybrid",
        "Items predicted otherwise than their labeled neighbours",
        "Margatina et al. 2021",
        fits={"clf": "logistic"},
    ),
    "FourDs": Known(
        _ALL,
        "hybrid",
        "Items close to the boundary of a mixture model, dense and diverse",
        "Reitmaier & Sick 2013",
        fits={"clf": "mixture"},
    ),
    "Quire": Known(_SPACE, "hybrid", "Items that are informative and representative", "Huang, Jin & Zhou 2010"),
}
