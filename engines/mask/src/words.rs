//! Names and mail addresses.

use crate::HIDDEN;

/// Surnames of two characters, from the register of common surnames.
const COMPOUND: [&str; 60] = [
    "欧阳", "司马", "上官", "诸葛", "夏侯", "皇甫", "尉迟", "公孙", "长孙", "慕容", "司徒", "司空", "令狐", "宇文",
    "独孤", "南宫", "东方", "西门", "端木", "百里", "呼延", "轩辕", "申屠", "太叔", "淳于", "单于", "濮阳", "公羊",
    "公冶", "宗政", "赫连", "澹台", "闻人", "万俟", "钟离", "鲜于", "闾丘", "东郭", "南门", "羊舌", "梁丘", "左丘",
    "第五", "拓跋", "完颜", "耶律", "纳兰", "叶赫", "爱新", "那拉", "富察", "钮祜", "东野", "公西", "颛孙", "壤驷",
    "漆雕", "乐正", "巫马", "亓官",
];

/// Surname stays, every further character becomes `*`. One character alone is hidden,
/// as is the second half of a compound surname when nothing follows it.
pub(crate) fn name_to_surname(value: &str, out: &mut Vec<u8>) {
    let characters = value.chars().count();
    let kept = match characters {
        0 | 1 => 0,
        2 => 1,
        _ if COMPOUND.iter().any(|surname| value.starts_with(surname)) => 2,
        _ => 1,
    };
    let kept_bytes: usize = value.chars().take(kept).map(char::len_utf8).sum();
    out.extend(value.bytes().take(kept_bytes));
    out.extend(std::iter::repeat_n(b'*', characters - kept));
}

/// First character of the mailbox and the domain. A mailbox of one character is hidden whole.
pub(crate) fn email(value: &str, out: &mut Vec<u8>) {
    let Some((mailbox, domain)) = value.rsplit_once('@') else {
        out.extend_from_slice(HIDDEN.as_bytes());
        return;
    };
    let mut characters = mailbox.chars();
    match (characters.next(), characters.next()) {
        (None, _) => {
            out.extend_from_slice(HIDDEN.as_bytes());
            return;
        }
        (Some(first), Some(_)) if first != '*' => {
            let mut bytes = [0; 4];
            out.extend_from_slice(first.encode_utf8(&mut bytes).as_bytes());
        }
        _ => {}
    }
    out.extend_from_slice(b"***@");
    out.extend_from_slice(domain.as_bytes());
}
