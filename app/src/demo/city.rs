//! The invented city 云江市: its units, and the names of what they share.
//!
//! Counts are those of a real city's published letter: 223 units, 2,211 entries
//! = 916 conditional + 1,295 unconditional = 167 tables + 62 interfaces + 23 maps + 1,959 files.

use hufu_kernel::actor::UnitLevel;
use hufu_kernel::unit::UnitKind;

const DEPARTMENTS: &str = include_str!("../../demo/departments.csv");

const COUNTIES: [(&str, &str, [&str; 8]); 6] = [
    ("qh", "清河区", ["东城街道", "洲心街道", "凤城街道", "横荷街道", "石角镇", "龙塘镇", "源潭镇", "飞来镇"]),
    ("yd", "云东区", ["太和街道", "云山街道", "三坑镇", "山塘镇", "太平镇", "禾云镇", "浸潭镇", "石潭镇"]),
    ("jk", "江口县", ["江口街道", "汤塘镇", "龙山镇", "高岗镇", "迳头镇", "水头镇", "石岗镇", "望江镇"]),
    ("sq", "石桥县", ["石桥街道", "青莲镇", "江英镇", "杜步镇", "七拱镇", "太浦镇", "小江镇", "岭背镇"]),
    ("bl", "白鹭县", ["白鹭街道", "寨岗镇", "三江镇", "大麦镇", "香坪镇", "涡水镇", "板洞镇", "九寨镇"]),
    ("ql", "青岭市", ["英城街道", "望埠镇", "桥头镇", "浛江镇", "连江口镇", "黎溪镇", "大湾镇", "波罗镇"]),
];
const COUNTY_OFFICES: [(&str, &str); 6] = [
    ("ga", "公安局"),
    ("mz", "民政局"),
    ("wj", "卫生健康局"),
    ("rs", "人力资源和社会保障局"),
    ("zr", "自然资源局"),
    ("jy", "教育局"),
];
const SUBORDINATES: [(&str, &str, &str); 9] = [
    ("swjj", "srmyy", "市人民医院"),
    ("swjj", "szyy", "市中医院"),
    ("swjj", "sfybj", "市妇幼保健院"),
    ("sjyj", "sdyzx", "市第一中学"),
    ("sminz", "sjzz", "市救助管理站"),
    ("srsj", "ssbzx", "市社会保险服务中心"),
    ("szrzy", "sbdc", "市不动产登记中心"),
    ("sjtj", "sglzx", "市公路事务中心"),
    ("ssthj", "shjjc", "市环境监测站"),
];
const VILLAGES: [&str; 12] = [
    "新民社区", "沙田村", "石板村", "梨园社区", "井岭村", "上围村", "下围村", "塘尾村", "大坪村", "江背村", "白石社区", "禾仓村",
];
/// What remains of 223 after the units above are counted.
const VILLAGES_TOTAL: usize = 70;
/// Offices that the province runs in the city (垂直管理).
const VERTICAL: [&str; 4] = ["sswu", "sqxj", "sycj", "syzj"];

/// A unit to be made; parents stand before their children.
#[derive(Clone, Debug)]
pub(crate) struct UnitPlan {
    pub code: String,
    pub name: String,
    pub kind: UnitKind,
    pub level: UnitLevel,
    pub parent: Option<String>,
}

/// A department of the city with what its work is about.
#[derive(Clone, Debug)]
pub(crate) struct Department {
    pub code: &'static str,
    pub name: &'static str,
    pub theme: &'static str,
    pub subjects: Vec<&'static str>,
}

pub(crate) fn departments() -> Vec<Department> {
    let row = |line: &'static str| -> Option<Department> {
        let mut cells = line.split(',');
        let (code, name, theme) = (cells.next()?, cells.next()?, cells.next()?);
        Some(Department { code, name, theme, subjects: cells.next()?.split('|').collect() })
    };
    DEPARTMENTS.lines().skip(1).filter_map(row).collect()
}

/// The code of the city's data bureau, competent for the city level.
pub(crate) const BUREAU: &str = "sjj";

/// All 223 units, parents first.
pub(crate) fn units() -> Vec<UnitPlan> {
    let mut all = vec![plan("yj", "云江市", UnitKind::Area, UnitLevel::City, None)];
    for department in departments() {
        let kind = if department.code == BUREAU { UnitKind::Bureau } else { UnitKind::Department };
        let level = if VERTICAL.contains(&department.code) { UnitLevel::Province } else { UnitLevel::City };
        all.push(plan(department.code, department.name, kind, level, Some("yj")));
    }
    for (parent, code, name) in SUBORDINATES {
        all.push(plan(code, name, UnitKind::Subordinate, UnitLevel::City, Some(parent)));
    }
    all.push(plan("yqzb", "市疫情防控数据专班", UnitKind::WorkingGroup, UnitLevel::City, Some("yj")));
    for (code, name, townships) in COUNTIES {
        county(&mut all, code, name, townships);
    }
    villages(&mut all);
    all
}

fn county(all: &mut Vec<UnitPlan>, code: &str, name: &str, townships: [&str; 8]) {
    all.push(plan(code, name, UnitKind::Area, UnitLevel::County, Some("yj")));
    let bureau = format!("{name}政务服务数据管理局");
    all.push(plan(&format!("{code}_sj"), &bureau, UnitKind::Bureau, UnitLevel::County, Some(code)));
    for (office, title) in COUNTY_OFFICES {
        all.push(plan(
            &format!("{code}_{office}"),
            &format!("{name}{title}"),
            UnitKind::Department,
            UnitLevel::County,
            Some(code),
        ));
    }
    for (township, at) in townships.into_iter().zip(1..) {
        let title = format!("{name}{township}");
        all.push(plan(&format!("{code}_z{at}"), &title, UnitKind::Area, UnitLevel::Township, Some(code)));
    }
}

fn villages(all: &mut Vec<UnitPlan>) {
    let townships: Vec<UnitPlan> = all.iter().filter(|unit| unit.level == UnitLevel::Township).cloned().collect();
    // Township by township, one village each, until the number is reached.
    let rounds = townships.iter().chain(&townships).zip(VILLAGES.iter().cycle());
    for ((township, village), at) in rounds.take(VILLAGES_TOTAL).zip(1..) {
        let code = format!("{}_c{at}", township.code);
        let name = format!("{}{village}", township.name);
        all.push(plan(&code, &name, UnitKind::Area, UnitLevel::Village, Some(&township.code)));
    }
}

fn plan(code: &str, name: &str, kind: UnitKind, level: UnitLevel, parent: Option<&str>) -> UnitPlan {
    UnitPlan { code: code.to_owned(), name: name.to_owned(), kind, level, parent: parent.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_city_has_223_units_on_five_levels() {
        let units = units();
        assert_eq!(units.len(), 223);
        let mut codes: Vec<_> = units.iter().map(|unit| unit.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 223, "codes are unique");
        for level in [UnitLevel::Province, UnitLevel::City, UnitLevel::County, UnitLevel::Township, UnitLevel::Village] {
            assert!(units.iter().any(|unit| unit.level == level), "{level:?}");
        }
        for (at, unit) in units.iter().enumerate() {
            if let Some(parent) = &unit.parent {
                assert!(units[..at].iter().any(|earlier| &earlier.code == parent), "{} before its parent", unit.code);
            }
        }
    }
}
