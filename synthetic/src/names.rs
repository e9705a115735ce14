//! Names, postcodes and pupil numbers of nobody: names as an English authority meets them, in many spellings and scripts.

use fastrand::Rng;

use crate::chance::Chance;

const FORENAMES: &[&str] = &[
    "Oliver", "Amelia", "George", "Isla", "Arthur", "Ava", "Noah", "Ivy", "Muhammad", "Freya", "Leo", "Lily", "Oscar",
    "Florence", "Harry", "Mia", "Archie", "Willow", "Jack", "Rosie", "Henry", "Sophia", "Charlie", "Isabella",
    "Freddie", "Grace", "Theodore", "Daisy", "Alfie", "Sienna", "Jacob", "Poppy", "Thomas", "Elsie", "Logan", "Emily",
    "Tommy", "Ella", "Riley", "Evelyn", "Kayden", "Phoebe", "Jayden", "Aaliyah", "Tyler", "Maryam", "Callum", "Fatima",
    "Connor", "Aisha", "Ibrahim", "Zara", "Yusuf", "Hannah", "Ethan", "Chloe", "Kian", "Skye", "Declan", "Niamh",
    "Rhys", "Megan", "Dylan", "Cerys", "Mason", "Lexi", "Finley", "Summer", "Kwame", "Abena", "Chidi", "Ngozi",
    "Arjun", "Priya", "Rohan", "Anika", "Hamza", "Khadija", "Bilal", "Safiya", "Mateo", "Sofia", "Jakub", "Zuzanna",
    "Andrei", "Ioana", "Dawit", "Selam", "Kofi", "Adaeze", "Reuben", "Naomi", "Jude", "Esme", "Kai", "River",
];

const SURNAMES: &[&str] = &[
    "Smith",
    "Jones",
    "Taylor",
    "Brown",
    "Williams",
    "Wilson",
    "Johnson",
    "Davies",
    "Patel",
    "Robinson",
    "Wright",
    "Thompson",
    "Evans",
    "Walker",
    "White",
    "Roberts",
    "Green",
    "Hall",
    "Wood",
    "Khan",
    "Jackson",
    "Clarke",
    "Begum",
    "Lewis",
    "Harris",
    "Ahmed",
    "Clark",
    "Hussain",
    "Scott",
    "Cooper",
    "King",
    "Ali",
    "Turner",
    "Hill",
    "Ward",
    "Morris",
    "Singh",
    "Moore",
    "Kaur",
    "Baker",
    "Bennett",
    "Carter",
    "Collins",
    "Shah",
    "Mitchell",
    "Parker",
    "Kelly",
    "Cook",
    "Shaw",
    "Price",
    "Okafor",
    "Mensah",
    "Adeyemi",
    "Kowalski",
    "Nowak",
    "Popescu",
    "Ionescu",
    "Silva",
    "Santos",
    "Nguyen",
    "Chen",
    "Wong",
    "Rahman",
    "Miah",
    "Uddin",
    "Akhtar",
    "Mahmood",
    "Gebremariam",
    "Tesfaye",
    "Mohamed",
    "Abdi",
    "Hassan",
    "Campbell",
    "Stewart",
    "Murphy",
    "Walsh",
    "Byrne",
    "Hughes",
    "Griffiths",
];

/// Forename and surname that go together and try what a text column, an encoder and a sorter can bear.
const SPECIAL: &[(&str, &str)] = &[
    ("Siobhán", "O'Neil"),
    ("Sean", "O'Connor"),
    ("Zoë", "Müller"),
    ("Chloë", "Smith-Jones"),
    ("Łukasz", "Wójcik"),
    ("Małgorzata", "Śliwińska"),
    ("Renée", "D'Arcy"),
    ("José María", "García Márquez"),
    ("Anne-Marie", "Fitzgerald-O'Leary"),
    ("Jean-Luc", "Lefèvre"),
    ("Ştefan", "Bălăceanu"),
    ("Ødegård", "Sørensen"),
    ("Þóra", "Guðmundsdóttir"),
    ("Çağla", "Yıldız"),
    ("Nguyễn", "Văn Thành"),
    ("Tomáš", "Dvořák"),
    ("Ó Séaghdha", "Mac Giolla Phádraig"),
    ("D'Andre", "van der Berg"),
    ("محمد", "الأحمد"),
    ("فاطمة", "حسن"),
    ("小明", "王"),
    ("美玲", "陳"),
    ("Олександр", "Шевченко"),
    ("Анна", "Иванова"),
    ("রহিম", "উদ্দিন"),
    ("আয়েশা", "বেগম"),
    ("ਗੁਰਪ੍ਰੀਤ", "ਸਿੰਘ"),
    ("आरव", "शर्मा"),
    ("ሰላም", "ተስፋዬ"),
    ("Δημήτρης", "Παπαδόπουλος"),
    ("예준", "김"),
    ("さくら", "佐藤"),
    ("தமிழ்", "செல்வன்"),
    ("X Æ", "Ash-Ångström"),
    ("N\"Golo", "St. John \"Jack\""),
    ("Ann\\Marie", "Back/Slash"),
    ("Aleksandra Konstancja Wiktoria", "Brzęczyszczykiewicz-Chrząszczyżewoszycka"),
    ("Wolfeschlegelsteinhausen", "Featherstonehaugh-Cholmondeley-Majoribanks of Llanfairpwllgwyngyll"),
];

/// A forename and a surname.
pub fn full_name(rng: &mut Rng) -> (&'static str, &'static str) {
    if rng.happens(0.07) {
        return rng.one(SPECIAL);
    }
    let surname = if rng.happens(0.04) { rng.one(SPECIAL).1 } else { rng.one(SURNAMES) };
    let forename = if rng.happens(0.04) { rng.one(SPECIAL).0 } else { rng.one(FORENAMES) };
    (forename, surname)
}

const AREAS: &[&str] =
    &["BN", "TN", "RH", "E", "N", "M", "B", "LS", "SW", "SE", "CR", "GU", "PO", "SO", "NE", "S", "L", "CF", "EX", "PL"];
const INWARD: &[char] =
    &['A', 'B', 'D', 'E', 'F', 'G', 'H', 'J', 'L', 'N', 'P', 'Q', 'R', 'S', 'T', 'U', 'W', 'X', 'Y', 'Z'];

/// A postcode of a valid shape, with its inner space.
pub fn postcode(rng: &mut Rng) -> String {
    let (area, district) = match rng.between(1, 20) {
        1 => (rng.one(&["EC", "WC"]), format!("{}{}", rng.between(1, 4), rng.one(&['A', 'M', 'N', 'V']))),
        2 => ("W", format!("1{}", rng.one(&['A', 'B', 'D', 'K', 'T']))),
        _ => (rng.one(AREAS), rng.between(1, 39).to_string()),
    };
    format!("{area}{district} {}{}{}", rng.between(0, 9), rng.one(INWARD), rng.one(INWARD))
}

/// A unique pupil number: a letter and twelve digits. `child` makes it unlike other children's.
pub fn pupil_number(rng: &mut Rng, child: u64) -> String {
    const LETTERS: &[char] = &[
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'T', 'U', 'V', 'W', 'X', 'Y',
        'Z',
    ];
    format!(
        "{}{}{:09}",
        rng.one(LETTERS),
        rng.one(&["845", "306", "213", "801", "916"]),
        (child * 97 + rng.u64(..97)) % 1_000_000_000
    )
}

/// Ten digits, as the health service numbers people.
pub fn health_number(rng: &mut Rng) -> String {
    format!("{:010}", rng.u64(4_000_000_000..8_000_000_000))
}
