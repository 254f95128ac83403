"""Korean names and wordings. Questions leave out particles, as people do when they speak, so that every name is one token."""

NAMES = {
  "cat": "고양이", "dog": "개", "mouse": "쥐", "rabbit": "토끼", "bear": "곰", "panda": "판다", "fox": "여우", "lion": "사자", "tiger": "호랑이", "cow": "소",
  "pig": "돼지", "frog": "개구리", "monkey": "원숭이", "chicken": "닭", "duck": "오리", "owl": "부엉이", "penguin": "펭귄", "elephant": "코끼리", "horse": "말",
  "sheep": "양", "snake": "뱀", "turtle": "거북이", "fish": "물고기", "whale": "고래", "octopus": "문어", "crab": "게", "butterfly": "나비", "bee": "벌",
  "ladybug": "무당벌레", "snail": "달팽이", "spider": "거미", "apple": "사과", "banana": "바나나", "orange": "오렌지", "lemon": "레몬", "grapes": "포도",
  "strawberry": "딸기", "cherries": "체리", "watermelon": "수박", "pineapple": "파인애플", "pear": "배", "carrot": "당근", "corn": "옥수수", "mushroom": "버섯",
  "bread": "빵", "cheese": "치즈", "egg": "달걀", "pizza": "피자", "burger": "햄버거", "cake": "케이크", "ice cream": "아이스크림", "donut": "도넛",
  "cookie": "쿠키", "cup": "컵", "flower": "꽃", "tree": "나무", "cactus": "선인장", "leaf": "나뭇잎", "sun": "해", "moon": "달", "star": "별", "cloud": "구름",
  "rainbow": "무지개", "umbrella": "우산", "snowman": "눈사람", "fire": "불", "car": "자동차", "bus": "버스", "train": "기차", "bicycle": "자전거",
  "plane": "비행기", "rocket": "로켓", "boat": "돛단배", "house": "집", "soccer ball": "축구공", "balloon": "풍선", "gift": "선물", "book": "책", "pencil": "연필",
  "scissors": "가위", "key": "열쇠", "clock": "시계", "phone": "전화기", "computer": "컴퓨터", "camera": "카메라", "light bulb": "전구", "bell": "종",
  "guitar": "기타", "drum": "북", "hat": "모자", "shirt": "셔츠", "shoe": "신발", "glasses": "안경", "crown": "왕관", "peach": "복숭아", "tomato": "토마토",
  "eggplant": "가지", "potato": "감자", "shark": "상어", "bat": "박쥐", "camel": "낙타", "goat": "염소", "dolphin": "돌고래", "truck": "트럭", "tractor": "트랙터",
  "helicopter": "헬리콥터", "motorcycle": "오토바이", "hammer": "망치", "trumpet": "나팔", "violin": "바이올린", "lock": "자물쇠", "trophy": "우승컵", "bed": "침대",
  "candle": "양초", "anchor": "닻", "dress": "원피스", "circle": "원", "square": "정사각형", "triangle": "삼각형", "rectangle": "직사각형", "star shape": "별모양",
  "pentagon": "오각형", "hexagon": "육각형", "diamond": "마름모", "oval": "타원", "cross": "십자가", "heart": "하트", "ring": "고리",
}
COLOURS = {"red": "빨간색", "orange": "주황색", "yellow": "노란색", "green": "초록색", "blue": "파란색", "purple": "보라색", "pink": "분홍색", "brown": "갈색",
           "black": "검은색", "white": "흰색", "grey": "회색"}
WORDS = {"left": "왼쪽", "right": "오른쪽", "above": "위", "below": "아래", "yes": "네", "no": "아니요", "not there": "없어요"}
WORDINGS = {
  "ko_identify": ["이게 뭐예요?", "이것은 무엇인가요?", "그림에 뭐가 있어요?", "뭐가 보여요?", "이 그림은 무엇인가요?", "이건 뭐예요?", "그림에 뭐가 보여요?", "이 그림은 뭐예요?"],
  "ko_colour": ["여기 {n} 무슨 색이에요?", "그림에서 {n} 무슨 색인가요?", "이 {n} 색이 뭐예요?", "여기 {n} 색은 무엇인가요?", "이 그림에서 {n} 색이 뭐예요?",
                "이 그림에서 {n} 무슨 색이에요?", "그림에서 {n} 무슨 색이에요?", "여기 {n} 색이 뭐예요?"],
  "ko_count": ["여기 {n} 몇 개예요?", "그림에 {n} 몇 개 있어요?", "이 그림에 {n} 몇 개 보여요?", "여기 {n} 몇 개 있나요?", "그림에서 {n} 몇 개인가요?", "모두 {n} 몇 개예요?",
               "그림에 {n} 몇 개 보여요?", "여기 {n} 몇 개 있어요?"],
  "ko_yesno": ["여기 {n} 있어요?", "그림에 {n} 있나요?", "이 그림에 {n} 있어요?", "그림에 {n} 보여요?", "여기 {n} 보이나요?", "혹시 {n} 있어요?", "그림에 {n} 있어요?",
               "여기 {n} 보여요?"],
  "ko_relation": ["여기 {m} 기준으로 {n} 어디 있어요?", "그림에서 {m} 기준으로 {n} 어느 쪽이에요?", "여기 {m} 기준으로 {n} 어디예요?", "이 그림에서 {m} 기준으로 {n} 어디예요?",
                  "여기 {m} 기준으로 {n} 어느 쪽인가요?", "그림에서 {m} 기준으로 {n} 어디 있나요?", "그림에서 {m} 기준으로 {n} 어디 있어요?", "여기 {m} 기준으로 {n} 어느 쪽이에요?"],
  "ko_box": ["여기 {n} 어디 있어요?", "그림에서 {n} 어디예요?", "이 그림에서 {n} 어디 있나요?", "여기 {n} 어디예요?", "이 그림에서 {n} 어디예요?", "여기 {n} 어디 있나요?",
             "그림에서 {n} 어디 있어요?", "이 그림에서 {n} 어디 있어요?"],
}


def in_korean(task, answer):
  """The Korean for an English answer; boxes and numbers stay."""
  if task == "colour" and answer in COLOURS: return COLOURS[answer]
  for article in ("a ", "an "): answer = answer.removeprefix(article)
  return WORDS.get(answer) or NAMES.get(answer, answer)
