"""Letters of customers that nobody wrote, in Korean and English, by what they are about."""

import numpy as np

PRODUCTS = ("kettle", "lamp", "vacuum", "heater")
_KOREAN = {"kettle": "전기 주전자", "lamp": "스탠드 조명", "vacuum": "무선 청소기", "heater": "온풍기"}

# What it is about → sentences in Korean and in English; {p} is the product.
LETTERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "delivery": (
        (
            "주문한 {p} 제품이 일주일째 오지 않습니다.",
            "배송 조회에는 도착이라고 나오는데 {p} 제품을 받지 못했습니다.",
            "{p} 제품을 문 앞에 두고 가셨는데 상자가 젖어 있었습니다.",
            "배송 날짜가 두 번이나 바뀌었는데 아무 안내도 없었습니다. {p} 제품은 언제 오나요?",
            "이사를 했는데 {p} 제품이 예전 주소로 갔습니다.",
        ),
        (
            "My {p} was due last Monday and still has not arrived.",
            "The tracking page says the {p} was delivered, but nobody at home has seen it.",
            "The courier left the {p} in the rain and the box was soaked.",
            "The date for the {p} was moved twice and nobody told me.",
            "The {p} went to my old address although I changed it in time.",
        ),
    ),
    "refund": (
        (
            "{p} 제품을 반품한 지 보름이 지났는데 아직 환불이 되지 않았습니다.",
            "{p} 제품값이 두 번 결제되었습니다. 한 번은 취소해 주십시오.",
            "쿠폰을 썼는데 {p} 제품의 환불 금액이 다릅니다.",
            "주문을 취소했는데 카드에서 {p} 제품값이 빠져나갔습니다.",
            "{p} 제품의 반품 배송비를 왜 제가 내야 합니까?",
        ),
        (
            "I sent the {p} back two weeks ago and there is no money on my account.",
            "I was charged twice for one {p}; please give one of them back.",
            "The refund for the {p} is less than what I paid.",
            "I cancelled the {p} the same day, and it was taken from my card anyway.",
            "Why should I pay to return a {p} that never worked?",
        ),
    ),
    "quality": (
        (
            "{p} 제품을 켜면 타는 냄새가 납니다.",
            "{p} 제품이 사흘 만에 멈췄습니다.",
            "{p} 제품의 버튼이 헐겁고 마감이 거칩니다.",
            "{p} 제품에서 소리가 너무 크게 납니다.",
            "설명서와 달리 {p} 제품의 불이 들어오지 않습니다.",
        ),
        (
            "The {p} smells of burning as soon as I switch it on.",
            "After three days the {p} simply stopped.",
            "The button of the {p} is loose and the edges are rough.",
            "The {p} is far louder than the one I had before.",
            "The light of the {p} does not come on, whatever the manual says.",
        ),
    ),
    "praise": (
        (
            "{p} 제품이 정말 마음에 듭니다. 감사합니다.",
            "상담해 주신 분이 친절하셔서 {p} 제품을 잘 골랐습니다.",
            "{p} 제품을 부모님께 드렸더니 무척 좋아하셨습니다.",
            "생각보다 빨리 왔고 {p} 제품도 튼튼합니다.",
            "{p} 제품을 하나 더 주문하려고 합니다.",
        ),
        (
            "I could not be happier with the {p}, thank you.",
            "The lady on the phone helped me choose the {p}, and she was right.",
            "My parents love the {p} I gave them.",
            "It came sooner than promised, and the {p} feels solid.",
            "I am about to order a second {p}.",
        ),
    ),
}
_BEFORE = (
    ("안녕하세요.", "수고 많으십니다.", "문의드립니다.", "늘 잘 쓰고 있습니다만,", "처음 연락드립니다."),
    ("Hello,", "Dear team,", "Good morning,", "I am a customer of many years.", "To whom it may concern:"),
)
_AFTER = (
    ("확인 부탁드립니다.", "답변 기다리겠습니다.", "좋은 하루 보내세요.", "연락 주십시오.", "사진을 함께 보냅니다."),
    ("Please look into it.", "Looking forward to your answer.", "Kind regards.", "Please call me.", "Photos attached."),
)
_ORDER = ("(주문 번호 {n})", "(order {n})")


def write(about: str, product: str, number: int, rng: np.random.Generator) -> str:
    """A letter; its number makes it different from all others."""
    language = int(rng.random() < 0.4)
    sentence = rng.choice(LETTERS[about][language])
    parts = [
        rng.choice(_BEFORE[language]),
        sentence.format(p=product if language else _KOREAN[product]),
        rng.choice(_AFTER[language]),
        _ORDER[language].format(n=100_000 + number),
    ]
    return " ".join(parts)
