//! Who takes part: names from many languages and scripts, all invented.

use super::dice::mix;

/// Given and family names that go together.
struct Culture {
    region: usize,
    /// Family name first, without a space.
    joined: bool,
    given: [&'static str; 8],
    family: [&'static str; 8],
}

const fn culture(region: usize, given: [&'static str; 8], family: [&'static str; 8]) -> Culture {
    Culture { region, joined: false, given, family }
}

const fn joined(given: [&'static str; 8], family: [&'static str; 8]) -> Culture {
    Culture { region: 2, joined: true, given, family }
}

const CULTURES: [Culture; 20] = [
    culture(
        0,
        ["Ana", "Luka", "Jelena", "Marko", "Ivana", "Nikola", "Mina", "Stefan"],
        ["Petrović", "Kovač", "Đurić", "Horvat", "Šarić", "Babić", "Žujović", "Novak"],
    ),
    culture(
        0,
        ["Łukasz", "Zofia", "Paweł", "Agnieszka", "Michał", "Kinga", "Błażej", "Ola"],
        ["Wójcik", "Kowalczyk", "Zieliński", "Dąbrowska", "Szymański", "Wiśniewska", "Mazur", "Krawczyk"],
    ),
    culture(
        0,
        ["Chiara", "Matteo", "Giulia", "Marco", "Elisa", "Davide", "Noemi", "Pietro"],
        ["Neri", "Rossi", "D'Angelo", "Ferrari", "Conti", "Galli", "De Luca", "Fontana"],
    ),
    culture(
        0,
        ["François", "Chloé", "Étienne", "Zoé", "Jérôme", "Maëlle", "Loïc", "Inès"],
        ["Lefèvre", "Dubois", "Garçon", "Moreau", "Béranger", "Girard", "N'Diaye", "Rousseau"],
    ),
    culture(
        0,
        ["Jürgen", "Käthe", "Björn", "Heike", "Sören", "Lena", "Uwe", "Anneliese"],
        ["Müller", "Weiß", "Schäfer", "Groß", "Köhler", "Vogt", "Jäger", "Brandt"],
    ),
    culture(
        0,
        ["Elif", "Emre", "Ayşe", "Çağlar", "Gül", "İsmail", "Özge", "Umut"],
        ["Şahin", "Yılmaz", "Öztürk", "Çelik", "Doğan", "Aydın", "Kılıç", "Güneş"],
    ),
    culture(
        0,
        ["Ольга", "Дмитро", "Анна", "Сергей", "Наталія", "Иван", "Катерина", "Богдан"],
        ["Шевченко", "Иванова", "Коваленко", "Соколов", "Бондаренко", "Морозова", "Ткач", "Лысенко"],
    ),
    culture(
        0,
        ["Ελένη", "Γιώργος", "Μαρία", "Νίκος", "Σοφία", "Κώστας", "Δήμητρα", "Άρης"],
        ["Παπαδοπούλου", "Νικολάου", "Γεωργίου", "Δημητρίου", "Οικονόμου", "Μακρή", "Βασιλείου", "Λάμπρου"],
    ),
    culture(
        0,
        ["محمد", "فاطمة", "أحمد", "ليلى", "يوسف", "مريم", "خالد", "نور"],
        ["الحسن", "منصور", "عبد الله", "حداد", "النجار", "سليمان", "القاسم", "درويش"],
    ),
    culture(
        0,
        ["נועה", "דוד", "תמר", "יונתן", "מיכל", "אורי", "שירה", "איתן"],
        ["לוי", "כהן", "מזרחי", "פרץ", "ביטון", "אברהם", "שפירא", "גולן"],
    ),
    culture(
        0,
        ["Kwame", "Chidi", "Amina", "Zanele", "Ngozi", "Tendai", "Ayọ̀", "Wanjikũ"],
        ["Okafor", "Mensah", "Dlamini", "Nkosi", "Adébáyọ̀", "Moyo", "Kamau", "Eze"],
    ),
    culture(
        1,
        ["Emily", "Jordan", "Mason", "Grace", "Tyler", "Olivia", "Marcus", "Hannah"],
        ["Smith", "O'Neil", "Walker", "Nguyen", "Jackson", "McAllister", "Reyes-Carter", "Brooks"],
    ),
    culture(
        1,
        ["José", "María", "Ramón", "Lucía", "Iñaki", "Sofía", "Andrés", "Begoña"],
        ["Núñez", "García", "Peña", "Rodríguez", "Ibáñez", "Muñoz", "Castillo", "Quiñones"],
    ),
    culture(
        1,
        ["João", "Beatriz", "Thiago", "Conceição", "Caio", "Letícia", "Antônio", "Flávia"],
        ["Gonçalves", "da Silva", "Araújo", "Assunção", "Magalhães", "Souza", "Leão", "Pinheiro"],
    ),
    joined(
        ["美咲", "健太", "さくら", "大輔", "陽子", "翔", "結衣", "ゆうき"],
        ["佐藤", "鈴木", "高橋", "田中", "渡辺", "伊藤", "山本", "小林"],
    ),
    joined(["伟", "芳", "秀英", "娜", "强", "静怡", "磊", "洋"], ["王", "李", "张", "刘", "陈", "欧阳", "赵", "周"]),
    joined(
        ["지훈", "서연", "민준", "하은", "도윤", "수빈", "예준", "지우"],
        ["김", "이", "박", "최", "정", "강", "조", "윤"],
    ),
    culture(
        2,
        ["प्रिया", "अर्जुन", "दीपिका", "राहुल", "सुनीता", "विक्रम", "नेहा", "आदित्य"],
        ["शर्मा", "पटेल", "सिंह", "गुप्ता", "वर्मा", "मेहता", "जोशी", "राव"],
    ),
    culture(
        2,
        ["สมชาย", "มาลี", "กิตติ", "พิมพ์ใจ", "ณัฐ", "วิภา", "ธนา", "สุดา"],
        ["ใจดี", "แสงทอง", "ศรีสุข", "วงศ์ไทย", "บุญมา", "ทองดี", "รักไทย", "พรหมมา"],
    ),
    culture(
        2,
        ["Trần Minh", "Lê Thị", "Nguyễn Văn", "Siti", "Putri", "Budi", "Aisyah", "Phạm Thu"],
        ["Hoàng", "Hương", "Đức", "Nurhaliza", "Wijaya", "Santoso", "Rahman", "Thảo"],
    ),
];

/// Agents whom a small desk begins with, by region: Europe, the Americas, Asia.
const FIRST: [(usize, &str); 12] = [
    (0, "Ana Petrović"),
    (1, "Ramón Núñez"),
    (0, "Bogdan Ilie"),
    (2, "佐藤 美咲"),
    (0, "Chiara Neri"),
    (1, "Grace O'Neil"),
    (1, "João Gonçalves"),
    (2, "Priya Sharma"),
    (0, "Elif Şahin"),
    (1, "Marcus Walker"),
    (0, "Łukasz Wójcik"),
    (2, "Trần Minh Đức"),
];

fn in_culture(culture: &Culture, roll: u64) -> String {
    let given = culture.given[(roll >> 8) as usize % 8];
    let family = culture.family[(roll >> 16) as usize % 8];
    if culture.joined { format!("{family} {given}") } else { format!("{given} {family}") }
}

fn of_region(region: usize, roll: u64) -> &'static Culture {
    let fitting = CULTURES.iter().filter(|culture| culture.region == region).count();
    let nth = roll as usize % fitting.max(1);
    CULTURES.iter().filter(|culture| culture.region == region).nth(nth).unwrap_or(&CULTURES[0])
}

/// An agent's region and name.
pub(super) fn agent(seed: u64, place: usize) -> (usize, String) {
    let (region, name) = FIRST[place % FIRST.len()];
    if place < FIRST.len() {
        return (region, name.to_owned());
    }
    let roll = mix(seed ^ 0xA6E7, place as u64);
    (region, in_culture(of_region(region, roll), roll))
}

/// A customer's name: mostly a person's, now and then a handle, a number, a mailbox or a shop.
pub(super) fn customer(seed: u64, region: usize, place: u64) -> String {
    let roll = mix(seed ^ 0xC057, place);
    let culture = of_region(region, roll);
    let (given, family) = (culture.given[(roll >> 8) as usize % 8], culture.family[(roll >> 16) as usize % 8]);
    match (roll >> 24) % 100 {
        0..=3 => {
            format!("@{}{}", ["mika.draws", "nomad_", "k4fka", "sunny.side"][(roll >> 32) as usize % 4], place % 97)
        }
        4..=6 => {
            format!("+{} 555 {:04}", ["44 20", "1 415", "91 98", "49 30"][(roll >> 32) as usize % 4], place % 10_000)
        }
        7..=8 => {
            format!("orders{}@{}.example", place % 89, ["nordlicht", "bluefin", "tanuki"][(roll >> 32) as usize % 3])
        }
        9..=11 => format!("{} {}", family, ["GmbH", "& Sons", "Studio", "Café ☕"][(roll >> 32) as usize % 4]),
        12..=15 => format!("{} 🌻", given.to_lowercase()),
        16..=21 => given.to_owned(),
        _ => in_culture(culture, roll),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_has_many_scripts_and_few_namesakes() {
        let names: std::collections::BTreeSet<String> =
            (0..600).map(|place| customer(1, place as usize % 3, place)).collect();
        assert!(names.len() > 400, "{} different names", names.len());
        for range in ['\u{370}'..'\u{400}', '\u{400}'..'\u{500}', '\u{590}'..'\u{600}', '\u{600}'..'\u{700}'] {
            assert!(names.iter().any(|name| name.chars().any(|c| range.contains(&c))), "{range:?}");
        }
        assert!(names.iter().any(|name| name.chars().any(|c| ('\u{4e00}'..'\u{a000}').contains(&c))));
    }

    #[test]
    fn agents_of_a_desk_of_twelve_are_spread_over_the_regions() {
        let mut regions = [0; 3];
        (0..12).for_each(|place| regions[agent(1, place).0] += 1);
        assert_eq!(regions, [5, 4, 3]);
    }
}
