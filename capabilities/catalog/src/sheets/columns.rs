//! Columns of both sheets, in order. Reading finds them by their heading, so that their order may differ.

/// A column of the form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// The name that faults of the model use.
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    pub(super) must: bool,
    /// Width on paper, in characters.
    pub(super) width: u16,
}

const fn must(key: &'static str, title: &'static str, width: u16) -> Column {
    Column { key, title, must: true, width }
}

const fn may(key: &'static str, title: &'static str, width: u16) -> Column {
    Column { key, title, must: false, width }
}

pub(super) const ENTRY: &[Column] = &[
    must("no", "序号", 6),
    must("category", "类", 8),
    must("item", "项代码", 8),
    may("item_name", "项名称", 14),
    must("directory", "目代码", 8),
    may("directory_name", "目名称", 14),
    must("detail", "细目代码", 10),
    may("detail_name", "细目名称", 14),
    must("name", "信息资源名称", 32),
    may("code", "信息资源代码", 22),
    must("kind", "数据资源类型", 12),
    may("unit", "信息资源提供方", 22),
    must("provider_code", "提供方代码", 22),
    must("summary", "信息资源摘要", 40),
    must("format_class", "信息资源格式分类", 14),
    must("format_type", "信息资源格式类型", 14),
    must("sharing", "共享类型", 12),
    may("scope", "共享范围", 24),
    may("purpose", "共享用途条件", 24),
    may("basis", "不予共享依据", 24),
    may("reason", "不予共享理由", 24),
    must("method_class", "共享方式分类", 22),
    must("method", "共享方式类型", 12),
    must("open", "是否向社会开放", 10),
    may("open_condition", "开放条件", 20),
    may("tradeable", "是否可交易", 10),
    must("cycle", "更新周期", 10),
    may("published_on", "发布日期", 12),
    may("related_code", "关联资源代码", 22),
    may("theme", "主题", 14),
    may("grade", "数据级别", 8),
    may("important", "是否重要数据", 10),
    may("row_count", "数据量", 12),
    may("table_name", "SQL表名", 26),
];

pub(super) const FIELD: &[Column] = &[
    must("no", "目录序号", 8),
    may("entry", "信息资源名称", 32),
    must("name", "字段名", 22),
    must("title", "信息项名称", 24),
    must("data_type", "数据类型", 14),
    may("length", "数据长度", 8),
    may("key", "是否主键", 8),
    may("kind", "数据种类", 14),
    may("grade", "数据级别", 8),
    may("sensitive", "是否敏感个人信息", 12),
];

/// `A`, `B`, … `AA`, as spreadsheets count.
pub(super) fn letter(index: u32) -> String {
    let mut rest = index;
    let mut letters = Vec::new();
    loop {
        let digit = u8::try_from(rest % 26).unwrap_or(0);
        letters.push(char::from(b'A' + digit));
        match (rest / 26).checked_sub(1) {
            Some(next) => rest = next,
            None => break,
        }
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn cat_7_columns_are_lettered_as_spreadsheets_do() {
        let letters: Vec<String> = [0, 25, 26, 51, 52, 701, 702].into_iter().map(super::letter).collect();
        assert_eq!(letters, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
