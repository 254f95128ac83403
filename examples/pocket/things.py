"""What the pocket model knows: the things, moods, shapes, colours and sequences, and where drawings of them lie.

Only names and file names are here; `assets.py` turns them into pictures. The order of THINGS, MOODS, SEQUENCES, SHAPES and
MORE_THINGS is the order of the training-only label head: add new things at the end.
"""

# name: (emoji, openclipart files (the last of two or more is held out), Tux Paint stamps, Material Design icons)
THINGS = {
  "cat": ("🐈🐱", "gatto_cat_architetto_fra_01 gatto_cat_architetto_fra_02 cartoon_cat_gerald_g._01", "kitten blackcat", "cat"),
  "dog": ("🐕🐶", "dog_head_nicu_buculei_01 beagle_copper_ganson black_lab_ganson", "dog dingo", "dog dog-side"),
  "mouse": ("🐁🐭", "", "rodents/mouse", "rodent"),
  "rabbit": ("🐇🐰", "bunny_01 coniglio_architetto_fran_01", "rabbit rabbit-2 rabbit_little bunny", "rabbit rabbit-variant"),
  "bear": ("🐻", "", "european-bear bear teddy_bear edward_bear", "teddy-bear"),
  "panda": ("🐼", "", "", "panda"),
  "fox": ("🦊", "", "dogs/fox", ""),
  "lion": ("🦁", "", "lion-2 cats/lion cartoon/lion", ""),
  "tiger": ("🐅🐯", "", "tiger tiger_sumatran", ""),
  "cow": ("🐄🐮", "", "cow_white cow", "cow"),
  "pig": ("🐖🐷", "pig_marcelo_caiafa1 a_simple_pig_01", "pig pig_golden pig_golden2", "pig pig-variant"),
  "frog": ("🐸", "rana01_architetto_france_01 red-eye_frog_mirko_maisc_01", "frog frog-1", ""),
  "monkey": ("🐒🐵", "happy_monkey_benji_park_01 monkey_head_nicu_buculei_01", "chimp", ""),
  "chicken": ("🐔🐓", "hen_01 rooster_01", "hen chicken_profile rooster", ""),
  "duck": ("🦆", "duck_yellow_kurt_cagle_ jonathon_s_duck_01", "duck drake rubberduck", "duck"),
  "owl": ("🦉", "", "owl", "owl"),
  "penguin": ("🐧", "", "penguin little-penguin magellanic_penguin pengwin tux", "penguin"),
  "elephant": ("🐘", "elephant_01 elefante01_architetto_fr_01", "elephant", "elephant"),
  "horse": ("🐎🐴", "horse_1_konstantin_r._01 cavallo_architetto_franc_02", "equines/horse", "horse horse-variant"),
  "sheep": ("🐑", "sheep-md-v0.1 shaezy_peterm_", "sheep sheep_lamb", "sheep"),
  "snake": ("🐍", "", "", "snake"),
  "turtle": ("🐢", "", "", "turtle"),
  "fish": ("🐟🐠", "brown_fish_01 clown_loach_01 pescetto_arancione_archi_01",
           "stripedfish coraltrout moonwrasse butterflyfish clownfish", "fish"),
  "whale": ("🐋🐳", "", "whale", ""),
  "octopus": ("🐙", "", "", ""),
  "crab": ("🦀", "", "", ""),
  "butterfly": ("🦋", "butterfly_jonathan_dietr_01 farfalla_semplice_archit_01", "butterfly monarchbutterfly", "butterfly"),
  "bee": ("🐝", "bee1_mimooh_01 bee", "bee", "bee"),
  "ladybug": ("🐞", "ladybug_01 coccinelle_tanguy_jacq_01", "ladybug ladybug-2", "ladybug"),
  "snail": ("🐌", "", "snail snail2", "snail"),
  "spider": ("🕷", "spider ragno_figo_architetto_fr_01", "spider spider2", "spider"),
  "apple": ("🍎🍏", "apple another_apple_01 an_apple_01",
            "apple_green apple_granny_smith apple_red apple_fuji apple_sierra_beauty apple", "food-apple"),
  "banana": ("🍌", "banana banana_mateya_01", "banana", ""),
  "orange": ("🍊", "orange orange_simple", "orange_seville orange mandarine", ""),
  "lemon": ("🍋", "lemon lemon_simple", "lemon", ""),
  "grapes": ("🍇", "grapes_01 grapes_simple", "grapes", "fruit-grapes"),
  "strawberry": ("🍓", "strawberry strawberry_01 strawberry_simple", "strawberry Strawberry2", ""),
  "cherries": ("🍒", "cherries cherry_jonathan_dietrich_01", "Cherry_Stella cherries cherries2", "fruit-cherries"),
  "watermelon": ("🍉", "watermelon_simple watermelon_james_kilfige_01", "watermelon", "fruit-watermelon"),
  "pineapple": ("🍍", "", "pineapple", "fruit-pineapple"),
  "pear": ("🍐", "pear pear_01 pear_simple", "pear", ""),
  "carrot": ("🥕", "", "carrot", "carrot"),
  "corn": ("🌽", "", "corn", "corn"),
  "mushroom": ("🍄", "mushroom mushroom_benji_park_", "mushroom cep cep-1 cep-2 toadstool", "mushroom"),
  "bread": ("🍞", "", "bread loaf_of_bread", "bread-slice"),
  "cheese": ("🧀", "", "cheese", "cheese"),
  "egg": ("🥚", "", "", "egg"),
  "pizza": ("🍕", "pizza_slice_01 pizza_slice_fco._andrade_01", "pizza", "pizza"),
  "burger": ("🍔", "", "", "hamburger"),
  "cake": ("🎂🍰", "birthday_cake cake_mateya_01", "smallcake birthday_cake pink_cake", "cake cake-variant"),
  "ice cream": ("🍦🍨", "cone1_ganson ice_cream_cone_linda_kim_01", "", "ice-cream"),
  "donut": ("🍩", "", "", ""),
  "cookie": ("🍪", "", "", "cookie"),
  "cup": ("☕🍵", "", "mug coffeecup expresso", "cup coffee"),
  "flower": ("🌸🌼🌻🌹🌷", "flower_01 daisy_jonathan_dietrich_01 flower_03 sun_flower_ganson",
             "rose daffodil marigold flower6 flower1 flower8 flower3 flower2 yellow-flower red-gazania anemone_red", "flower flower-tulip"),
  "tree": ("🌳🌲", "tree_01 cartoon_tree_01", "tree336 holm_oak birch Christmas_Tree_photo", "tree pine-tree"),
  "cactus": ("🌵", "cacuts_01 cactus_linda_kim_01", "", "cactus"),
  "leaf": ("🍁🍂", "leaf_01 fall_coloured_leaf_geral_01", "", "leaf leaf-maple"),
  "sun": ("☀🌞", "", "0_sun", "weather-sunny white-balance-sunny"),
  "moon": ("🌙", "", "moon_crescent", "moon-waning-crescent weather-night"),
  "star": ("⭐🌟", "", "christmas/star shapes/star", "star"),
  "cloud": ("☁", "", "", "cloud"),
  "rainbow": ("🌈", "", "", "looks"),
  "umbrella": ("☔☂", "", "umbrella", "umbrella umbrella-closed"),
  "snowman": ("⛄☃", "", "snowman snowman2", "snowman"),
  "fire": ("🔥", "", "naturalforces/fire", "fire"),
  "car": ("🚗🚙", "", "sportscar3 beetle sportscar2 sportscar sedan f1_car", "car car-side car-hatchback"),
  "bus": ("🚌🚍", "", "iso_bus green_korean_bus schoolbus double_decker_bus", "bus bus-side"),
  "train": ("🚂🚆", "", "white_train toy_train", "train"),
  "bicycle": ("🚲", "", "bluebike", "bicycle"),
  "plane": ("✈", "", "planes/plane 747", "airplane"),
  "rocket": ("🚀", "", "rocket1 rocket2 rocket3 rocket4 rocket5 toyrocket", "rocket rocket-launch"),
  "boat": ("⛵🚤", "", "walnutBoat sail_boat1 sail_boat2 tugboat", "sail-boat"),
  "house": ("🏠🏡", "home0 home5 house_gabrielle_nowicki_", "swisshome pinkhome wooden_cottage cityhouse", "home home-variant"),
  "soccer ball": ("⚽", "soccer_ball_ganson soccer_ballon_tanguy_jac_", "soccer", "soccer"),
  "balloon": ("🎈", "balloon-blue-aj balloon-green-aj balloon-red-aj", "seasonal/balloon", "balloon"),
  "gift": ("🎁", "", "present", "gift"),
  "book": ("📕📖", "book_01 open_book_01", "", "book book-open-variant"),
  "pencil": ("✏", "pencil_01 pencil_benji_park_01", "Pencil pencil2", "pencil"),
  "scissors": ("✂", "scissors_01 scissors_02 scissors", "scissors_small_closed scissors_small_open", "content-cut"),
  "key": ("🔑", "", "household/key", "key key-variant"),
  "clock": ("⏰🕐", "", "symbols/clock clockface", "clock alarm"),
  "phone": ("📱", "", "mobile", "cellphone"),
  "computer": ("💻", "", "laptop", "laptop"),
  "camera": ("📷", "camera_michael_tunniclif_01 camera_icon_stuart_moore_01", "camera digitalcamera DSLR_Camera camera_35mm", "camera"),
  "light bulb": ("💡", "lightbulb_jon_phillips_01 light_bulb_karl_bartel_01", "Lightbulb", "lightbulb lightbulb-on"),
  "bell": ("🔔", "", "", "bell"),
  "guitar": ("🎸", "guitar_jarno_vasamaa1 guitar_ganson", "guitar_electric guitar_classical guitar2",
             "guitar-acoustic guitar-electric"),
  "drum": ("🥁", "", "drum_tomtom_floor", ""),
  "hat": ("🎩👒", "tophat_benji_park_01 red_fedora", "green_fedora tophat blue_fedora cowboy_hat greenhat brownhat sombrero purplehat", "hat-fedora"),
  "shirt": ("👕", "t-shirt_01 t-shirt_02", "t_tshirt t-shirt_01 t_poloshirt t_shirt", "tshirt-crew"),
  "shoe": ("👟👞", "tennis_shoe_jarno_vasama_ hiking_boot_jarno_vasama_", "hikingboot", "shoe-sneaker shoe-formal"),
  "glasses": ("👓", "", "glasses1 glasses2", "glasses"),
  "crown": ("👑", "simple_crown_with_one_r_01 simple_crown_with_three_01", "crown1 crown2", "crown"),
}
MORE_THINGS = {
  "peach": ("🍑", "", "peach", ""), "tomato": ("🍅", "", "tomato", ""), "eggplant": ("🍆", "", "eggplant", ""),
  "potato": ("🥔", "", "potato", ""), "shark": ("🦈", "", "", "shark"), "bat": ("🦇", "", "bat_left", "bat"),
  "camel": ("🐫🐪", "", "dromedary camel", ""), "goat": ("🐐", "", "goat mountaingoat ram", ""), "dolphin": ("🐬", "", "dolphin", "dolphin"),
  "truck": ("🚚🚛", "", "blue_truck truck toy_truck iso_lorry1", "truck"), "tractor": ("🚜", "", "wheel_tractor farming/cartoon/tractor", "tractor"),
  "helicopter": ("🚁", "", "eddieCopter", "helicopter"), "motorcycle": ("🏍", "", "motorbike", "motorbike"),
  "hammer": ("🔨", "", "hammer hammer2", "hammer"), "trumpet": ("🎺", "", "trumpet", "trumpet"), "violin": ("🎻", "", "violin violin2 cello", "violin"),
  "lock": ("🔒", "", "padlock_closed padlock_open", "lock"), "trophy": ("🏆", "", "trophy_cup", "trophy"), "bed": ("🛏", "", "", "bed"),
  "candle": ("🕯", "", "seasonal/candle holiday_candle tealight", "candle"), "anchor": ("⚓", "", "", "anchor"), "dress": ("👗", "", "black_dress", ""),
}
ALL_THINGS = {**THINGS, **MORE_THINGS}
MOODS = {"happy": "😀😃😄😊🙂", "laughing": "😂🤣😆", "sad": "😢☹🙁😞", "crying": "😭", "angry": "😠😡😤", "surprised": "😮😲😯",
         "scared": "😱😨😰", "sleepy": "😴😪", "sick": "🤒🤢🤮", "in love": "😍🥰😘", "cool": "😎", "thinking": "🤔"}
SEQUENCES = {"moon phases": "🌑🌒🌓🌔🌕", "clock": "🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🕛", "plant": "🌰🌱🌿🌳", "chick": "🥚🐣🐤🐔"}
DRAWN_SEQUENCES = {"kimbap": 5, "sandwich": 5, "snowman": 4, "glass": 5, "candle": 4}     # steps that tasks_drawn.py draws
COLOURS = {"red": (214, 30, 35), "orange": (245, 133, 20), "yellow": (250, 215, 35), "green": (45, 160, 60), "blue": (35, 85, 215),
           "purple": (130, 50, 170), "pink": (250, 130, 185), "brown": (125, 75, 35), "black": (20, 20, 20), "white": (248, 248, 248),
           "grey": (135, 135, 135)}
SHAPES = ["circle", "square", "triangle", "rectangle", "star shape", "pentagon", "hexagon", "diamond", "oval", "cross", "heart", "ring"]

# A light icon theme, held out: only the scorer draws these (Phosphor, filled).
HELD_OUT_ICONS = {"orange": "orange-slice", "cherries": "cherries", "plane": "airplane", "burger": "hamburger", "ice cream": "ice-cream", "cup": "coffee",
                  "fish": "fish-simple", "computer": "laptop", "light bulb": "lightbulb", "shirt": "t-shirt", "shoe": "sneaker", "glasses": "eyeglasses",
                  "phone": "device-mobile", "soccer ball": "soccer-ball", "boat": "sailboat", "clock": "alarm"}

PLURALS = {"mouse": "mice", "sheep": "sheep", "fish": "fish", "butterfly": "butterflies", "ladybug": "ladybugs", "strawberry": "strawberries",
           "grapes": "grapes", "cherries": "cherries", "leaf": "leaves", "scissors": "scissors", "glasses": "glasses", "fox": "foxes",
           "octopus": "octopuses", "bread": "breads", "cactus": "cactuses", "bus": "buses", "cross": "crosses", "peach": "peaches",
           "tomato": "tomatoes", "potato": "potatoes", "trophy": "trophies", "dress": "dresses"}
NO_ARTICLE = {"grapes", "cherries", "scissors", "glasses", "bread", "corn", "cheese", "fire"}

# Pairs that look alike: asked for on purpose when a question needs a thing that is not there.
ALIKE = ["cat dog fox rabbit mouse bear", "lion tiger cat", "cow horse goat sheep camel", "pig sheep cow", "duck chicken penguin owl bat",
         "fish whale dolphin shark octopus crab turtle", "bee ladybug butterfly spider snail", "apple peach tomato orange cherries pear strawberry",
         "lemon banana corn potato", "carrot eggplant corn", "bread cheese cake pizza burger", "donut cookie pizza", "cake ice_cream gift",
         "flower tree leaf cactus mushroom", "sun star moon", "cloud rainbow snowman", "car bus truck train tractor", "bicycle motorcycle",
         "plane rocket helicopter boat", "guitar violin trumpet drum", "hat crown bell", "shirt dress shoe", "key lock hammer scissors pencil",
         "clock soccer_ball balloon", "phone computer camera book", "candle light_bulb fire", "circle oval ring", "square rectangle diamond",
         "pentagon hexagon triangle", "cup trophy"]

SYLLABLES = ("가각간갈감강개거건걸검것게격결경계고곡공과관광교구국군권귀그극근금급기길김꽃끝나난날남내너년네노놀농누눈는늘니님다단달담답당대더도독돈돌동되두들등디"
             "때라락란람랑래량러레려력련로록론료루류르른름리린림마막만말맛망매먹면명모목몸무문물미민바박반받발밤방배백버번벌법변별병보복본봄부북분불비빛빵사산살상새색생서석선설성세소속손송수순술숨스습승시식신실심"
             "쓰아악안알암앞애야약양어억언얼업에여역연열염영예오온올옷와완왕외요용우운울원월위유육은을음의이인일임입자작잘장재저적전절점정제조족종좋주죽준줄중증지직진질집차참창책처천철첫청체초총최추출충치친카커코크키"
             "타태터토통투트특파판팔편평포표품풍프피필하학한할함합해행향허현형호화환활회후히힘")


def plural(name):
  return PLURALS.get(name, name + "s")


def with_article(name):
  return name if name in NO_ARTICLE else ("an " if name[0] in "aeiou" else "a ") + name


def label_classes():
  """The classes of the training-only label head, in their fixed order (class 0, "nothing", is not in the list)."""
  steps = [f"step:{s}:{i}" for s, e in SEQUENCES.items() for i in range(len(e))]
  drawn = [f"step:{s}:{i}" for s, n in DRAWN_SEQUENCES.items() for i in range(n)]
  return list(THINGS) + ["mood:" + m for m in MOODS] + steps + SHAPES + list(MORE_THINGS) + drawn


def alike(name):
  """Names easily taken for `name` (hard negatives for yes/no questions)."""
  groups = ([n.replace("_", " ") for n in g.split()] for g in ALIKE)
  return sorted({n for g in groups if name in g for n in g} - {name})
