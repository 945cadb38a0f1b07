//! Invented people: names, identity numbers, telephones and addresses that fit together and belong to nobody.
//!
//! Identity numbers carry a right check digit, or masks and detectors would be shown on data
//! that no real table has. The same seed gives the same city.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤";
const COMPOUND: [&str; 6] = ["欧阳", "司徒", "上官", "诸葛", "夏侯", "皇甫"];
const GIVEN: &str = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉玲志红建国华梅鑫波宇浩然子轩雨涵梓萱思远佳怡嘉豪晓东海燕春雪冬夏秋荣光耀祖德贵福生金凤玉珍";
const STREETS: [&str; 12] =
    ["人民路", "建设路", "环城东路", "沿江大道", "学府街", "新华街", "桥北路", "白云大道", "清河路", "文昌街", "工业三路", "田园路"];
const MOBILE_HEADS: [&str; 12] =
    ["134", "135", "137", "138", "139", "150", "158", "159", "177", "181", "186", "199"];
/// Days between 1930 and 2019, the births the city knows.
const BIRTH_DAYS: i64 = 32_500;

/// One invented person.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub name: String,
    pub id_card: String,
    pub sex: &'static str,
    pub birth: chrono::NaiveDate,
    pub mobile: String,
    pub address: String,
    pub district: &'static str,
}

/// A row of districts with the area codes of their identity numbers.
pub(crate) const DISTRICTS: [(&str, &str); 6] = [
    ("清河区", "441802"),
    ("云东区", "441803"),
    ("江口县", "441821"),
    ("石桥县", "441823"),
    ("白鹭县", "441825"),
    ("青岭市", "441881"),
];

/// An endless row of people from one seed.
#[derive(Debug)]
pub(crate) struct People {
    rng: StdRng,
}

impl People {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed) }
    }

    pub(crate) fn person(&mut self) -> Person {
        let (district, area) = self.pick(&DISTRICTS);
        let birth = chrono::NaiveDate::from_ymd_opt(1930, 1, 1).unwrap_or_default()
            + chrono::Duration::days(self.rng.random_range(0..BIRTH_DAYS));
        let sequence: u32 = self.rng.random_range(1..1000);
        let id_card = identity_number(area, birth, sequence);
        Person {
            name: self.name(),
            id_card,
            sex: if sequence % 2 == 1 { "男" } else { "女" },
            birth,
            mobile: self.mobile(),
            address: self.address(district),
            district,
        }
    }

    pub(crate) fn name(&mut self) -> String {
        let mut name = if self.rng.random_range(0..60) == 0 {
            self.pick(&COMPOUND).to_owned()
        } else {
            self.character(SURNAMES).to_string()
        };
        name.push(self.character(GIVEN));
        if self.rng.random_range(0..5) > 0 {
            name.push(self.character(GIVEN));
        }
        name
    }

    pub(crate) fn mobile(&mut self) -> String {
        format!("{}{:08}", self.pick(&MOBILE_HEADS), self.rng.random_range(0..100_000_000))
    }

    pub(crate) fn address(&mut self, district: &str) -> String {
        let street = self.pick(&STREETS);
        let (number, block, room) =
            (self.rng.random_range(1..400), self.rng.random_range(1..30), self.rng.random_range(101..1808));
        format!("江南省云江市{district}{street}{number}号{block}栋{room}室")
    }

    pub(crate) fn number(&mut self, below: u32) -> u32 {
        self.rng.random_range(0..below.max(1))
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.rng.random_range(0..from.len());
        #[expect(clippy::indexing_slicing, reason = "the index was drawn below the length; lists are constants")]
        from[at]
    }

    fn character(&mut self, from: &str) -> char {
        let count = from.chars().count();
        from.chars().nth(self.rng.random_range(0..count)).unwrap_or('明')
    }
}

/// GB 11643: area, birth, sequence and the MOD 11-2 check digit.
pub(crate) fn identity_number(area: &str, birth: chrono::NaiveDate, sequence: u32) -> String {
    let body = format!("{area}{}{sequence:03}", birth.format("%Y%m%d"));
    let weighted: u32 = body.chars().zip(0u32..).filter_map(|(c, at)| Some(c.to_digit(10)? * (1 << (17 - at)) % 11)).sum();
    let check = "10X98765432".chars().nth((weighted % 11) as usize).unwrap_or('X');
    format!("{body}{check}")
}

/// GB 32100: an invented government body's unified social credit code, with both of its check characters.
pub(crate) fn credit_code(area: &str, number: usize) -> String {
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    const ORGANISATION_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let organisation = format!("MB{number:06}");
    let value = |c: char| c.to_digit(36).unwrap_or(0);
    let sum: u32 = organisation.chars().map(value).zip(ORGANISATION_WEIGHTS).map(|(v, weight)| v * weight).sum();
    let check = match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).unwrap_or('0'),
    };
    let body = format!("11{area}{organisation}{check}");
    let place = |c: char| ALPHABET.find(c).unwrap_or(0);
    let sum = body.chars().fold((0, 1), |(sum, weight), c| (sum + place(c) * weight, weight * 3 % 31)).0;
    let check = ALPHABET.chars().nth((31 - sum % 31) % 31).unwrap_or('0');
    format!("{body}{check}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_numbers_carry_the_standard_check_digit() {
        let birth = chrono::NaiveDate::from_ymd_opt(1949, 12, 31).unwrap();
        assert_eq!(identity_number("110105", birth, 2), "11010519491231002X");
        let birth = chrono::NaiveDate::from_ymd_opt(1880, 1, 1).unwrap();
        assert_eq!(identity_number("440524", birth, 1), "440524188001010014");
    }

    #[test]
    fn the_same_seed_gives_the_same_city() {
        let row = |seed| {
            let mut people = People::seeded(seed);
            (0..50).map(|_| people.person().id_card).collect::<Vec<_>>()
        };
        assert_eq!(row(7), row(7));
        assert_ne!(row(7), row(8));
    }
}
