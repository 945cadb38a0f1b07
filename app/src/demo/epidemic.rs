//! The thirteen epidemic tables: columns, sizes and rows, in the formats a bureau really has.

use super::people::{DISTRICTS, People, Person};

/// Where a table rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Csv,
    Xlsx,
    Parquet,
}

/// What a column holds; drives its cells, its field kind and its grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Name,
    IdCard,
    Sex,
    BirthDate,
    Mobile,
    Address,
    District,
    /// A date in the years 2020 to 2022.
    Date,
    /// One of the words.
    Word(&'static [&'static str]),
    /// One of the words, and it tells of somebody's health.
    Health(&'static [&'static str]),
    /// A whole number below the bound.
    Number(u32),
    /// Letters before a running number.
    Code(&'static str),
}

/// A column: physical name, Chinese name, content.
pub(crate) type Column = (&'static str, &'static str, Cell);

/// One table with its owner and its entry's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    pub unit: &'static str,
    pub table: &'a str,
    pub title: &'a str,
    pub store: Store,
    pub rows: usize,
    pub columns: &'a [Column],
}

const PERSON: [Column; 4] =
    [("xm", "姓名", Cell::Name), ("id_card", "公民身份号码", Cell::IdCard), ("sjhm", "手机号码", Cell::Mobile), ("xzz", "现住址", Cell::Address)];
const RESULT: Cell = Cell::Health(&["阴性", "阴性", "阴性", "阴性", "阴性", "阴性", "阴性", "阴性", "阳性", "待复核"]);
const PLACES: Cell = Cell::Word(&["城东农贸市场", "市人民医院", "云江站", "万邦广场", "市政务大厅", "清河一中", "凤城客运站"]);
const HOTELS: Cell = Cell::Word(&["云江宾馆隔离点", "凤城酒店隔离点", "石角隔离点", "源潭健康驿站"]);

macro_rules! columns {
    ($($extra:expr),* $(,)?) => { &[PERSON[0], PERSON[1], PERSON[2], PERSON[3], $($extra),*] };
}

/// Rows in all: 254,800.
#[expect(clippy::indexing_slicing, reason = "constant indices into a constant array of four")]
pub(crate) const TABLES: [Table<'static>; 13] = [
    Table { unit: "sjdhlw", table: "yq_hsjc", title: "新冠病毒核酸检测结果", store: Store::Parquet, rows: 120_000, columns: columns![("jcjg", "检测机构", Cell::Word(&["市疾控中心", "市人民医院", "市中医院", "云江迪安检验所"])), ("cysj", "采样日期", Cell::Date), ("jcjgz", "检测结果", RESULT), ("qx", "所属区县", Cell::District), ("tmbh", "试管条码", Cell::Code("HS"))] },
    Table { unit: "sjj", table: "yq_jkm", title: "健康码申领信息", store: Store::Sqlite, rows: 30_000, columns: columns![("slrq", "申领日期", Cell::Date), ("mzt", "码状态", Cell::Health(&["绿码", "绿码", "绿码", "黄码", "红码"])), ("qx", "所属区县", Cell::District)] },
    Table { unit: "sjdhlw", table: "yq_ymjz", title: "新冠病毒疫苗接种信息", store: Store::Sqlite, rows: 20_000, columns: columns![("xb", "性别", Cell::Sex), ("csrq", "出生日期", Cell::BirthDate), ("jzrq", "接种日期", Cell::Date), ("jzzc", "接种针次", Cell::Number(4)), ("ymmc", "疫苗名称", Cell::Word(&["灭活疫苗（Vero细胞）", "重组蛋白疫苗（CHO细胞）", "腺病毒载体疫苗"]))] },
    Table { unit: "swjj", table: "yq_qzbl", title: "新冠确诊病例信息", store: Store::Sqlite, rows: 800, columns: columns![("xb", "性别", Cell::Sex), ("csrq", "出生日期", Cell::BirthDate), ("qzrq", "确诊日期", Cell::Date), ("lcfx", "临床分型", Cell::Health(&["轻型", "普通型", "重型"])), ("zt", "病例状态", Cell::Health(&["确诊", "治愈出院"]))] },
    Table { unit: "swjj", table: "yq_wzz", title: "无症状感染者信息", store: Store::Sqlite, rows: 1_500, columns: columns![("csrq", "出生日期", Cell::BirthDate), ("fxrq", "发现日期", Cell::Date), ("fxtj", "发现途径", Cell::Word(&["社区筛查", "密接排查", "主动就诊"]))] },
    Table { unit: "sjdhlw", table: "yq_mj", title: "密切接触者信息", store: Store::Csv, rows: 6_000, columns: columns![("glbh", "关联病例编号", Cell::Code("BL")), ("jcrq", "末次接触日期", Cell::Date), ("jcfs", "接触方式", Cell::Word(&["同住", "同乘", "同餐", "同工作场所"]))] },
    Table { unit: "sjdhlw", table: "yq_cmj", title: "次密接人员信息", store: Store::Csv, rows: 5_000, columns: columns![("glbh", "关联密接编号", Cell::Code("MJ")), ("jcrq", "末次接触日期", Cell::Date)] },
    Table { unit: "sgaj", table: "yq_rjry", title: "入境来云人员信息", store: Store::Csv, rows: 3_000, columns: columns![("rjrq", "入境日期", Cell::Date), ("rjka", "入境口岸", Cell::Word(&["白云机场", "罗湖口岸", "拱北口岸", "浦东机场"])), ("xb", "性别", Cell::Sex)] },
    Table { unit: "sgaj", table: "yq_lyry", title: "重点地区来云人员信息", store: Store::Parquet, rows: 12_000, columns: columns![("ddrq", "抵达日期", Cell::Date), ("cfd", "出发地", Cell::Word(&["临江市", "海州市", "平川市", "北山市"])), ("jtfs", "交通方式", Cell::Word(&["高铁", "自驾", "客运", "飞机"]))] },
    Table { unit: "swjj", table: "yq_jzgl", title: "集中隔离医学观察人员信息", store: Store::Xlsx, rows: 2_000, columns: columns![("gld", "隔离点", HOTELS), ("rzrq", "入住日期", Cell::Date), ("fjh", "房间号", Cell::Number(1_900))] },
    Table { unit: "swjj", table: "yq_jkjc", title: "居家健康监测人员信息", store: Store::Xlsx, rows: 3_000, columns: columns![("ksrq", "开始日期", Cell::Date), ("ts", "监测天数", Cell::Number(15)), ("zt", "监测状态", Cell::Word(&["监测中", "已解除"]))] },
    Table { unit: "sjj", table: "yq_cssm", title: "场所码扫码记录", store: Store::Parquet, rows: 50_000, columns: columns![("cs", "场所名称", PLACES), ("smrq", "扫码日期", Cell::Date), ("mzt", "码状态", Cell::Health(&["绿码", "绿码", "绿码", "绿码", "黄码"]))] },
    Table { unit: "syjj", table: "yq_wzff", title: "防疫物资发放登记", store: Store::Xlsx, rows: 1_500, columns: columns![("wz", "物资名称", Cell::Word(&["医用口罩", "抗原试剂", "消毒液", "防护服"])), ("sl", "数量", Cell::Number(200)), ("ffrq", "发放日期", Cell::Date)] },
];

impl Cell {
    /// Field kind by which rules choose a mask.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::IdCard => "id_card",
            Self::BirthDate => "birth_date",
            Self::Mobile => "mobile",
            Self::Address => "address",
            Self::Number(_) => "number",
            Self::Code(_) => "code",
            Self::Date => "date",
            Self::Health(_) => "health",
            Self::Sex | Self::District | Self::Word(_) => "text",
        }
    }

    pub(crate) fn grade(self) -> &'static str {
        match self {
            Self::Name | Self::IdCard | Self::Mobile | Self::Address | Self::BirthDate | Self::Health(_) => "L3",
            Self::Date | Self::Code(_) => "L2",
            Self::Sex | Self::Word(_) | Self::District | Self::Number(_) => "L1",
        }
    }
}

/// All rows of a table as text, in column order.
pub(crate) fn rows<'a>(table: &'a Table<'a>) -> impl Iterator<Item = Vec<String>> + use<'a> {
    let mut people = People::seeded(seed(table.table));
    (0..table.rows).map(move |at| {
        let person = people.person();
        table.columns.iter().map(|(_, _, cell)| text(*cell, &person, &mut people, at)).collect()
    })
}

fn text(cell: Cell, person: &Person, people: &mut People, at: usize) -> String {
    match cell {
        Cell::Name => person.name.clone(),
        Cell::IdCard => person.id_card.clone(),
        Cell::Sex => person.sex.to_owned(),
        Cell::BirthDate => person.birth.format("%Y-%m-%d").to_string(),
        Cell::Mobile => person.mobile.clone(),
        Cell::Address => person.address.clone(),
        Cell::District => people.pick(&DISTRICTS).0.to_owned(),
        Cell::Date => {
            let start = chrono::NaiveDate::from_ymd_opt(2020, 2, 1).unwrap_or_default();
            (start + chrono::Duration::days(people.number(1_030).into())).format("%Y-%m-%d").to_string()
        }
        Cell::Word(words) | Cell::Health(words) => people.pick(words).to_owned(),
        Cell::Number(below) => (1 + people.number(below)).to_string(),
        Cell::Code(letters) => format!("{letters}{:08}", at + 1),
    }
}

fn seed(name: &str) -> u64 {
    name.bytes().fold(20_230_526, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirteen_tables_hold_over_200_000_rows_in_four_formats() {
        assert!(TABLES.iter().map(|table| table.rows).sum::<usize>() >= 200_000);
        for store in [Store::Sqlite, Store::Csv, Store::Xlsx, Store::Parquet] {
            assert!(TABLES.iter().any(|table| table.store == store), "{store:?}");
        }
        let first = rows(&TABLES[3]).next().unwrap();
        assert_eq!(first.len(), TABLES[3].columns.len());
        assert!(first[1].starts_with("4418"), "{}", first[1]);
    }
}
