//! Words of the national form: each has a stored code and the name people use.

macro_rules! terms {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:tt $title:tt,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        pub enum $name {
            $(#[sea_orm(string_value = $code)] #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As it is stored and as the API names it.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// As people read it.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// Reads the code or the name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|term| term.code() == text || term.title() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.title())
            }
        }
    };
}

terms! {
    /// The four kinds of resource.
    ResourceKind {
        Table = "table" "库表",
        Interface = "interface" "服务接口",
        Map = "map" "电子地图",
        File = "file" "文件",
    }
}

terms! {
    /// The three sharing attributes of D809 art. 14; there is no fourth.
    Sharing {
        Unconditional = "unconditional" "无条件共享",
        Conditional = "conditional" "有条件共享",
        Withheld = "withheld" "不予共享",
    }
}

terms! {
    /// How often the provider renews the data.
    Cycle {
        Realtime = "realtime" "实时",
        Daily = "daily" "每日",
        Weekly = "weekly" "每周",
        TenDays = "ten_days" "每旬",
        Monthly = "monthly" "每月",
        Quarterly = "quarterly" "每季度",
        HalfYearly = "half_yearly" "每半年",
        Yearly = "yearly" "每年",
        Irregular = "irregular" "不定期",
    }
}

terms! {
    /// Type of a field, in the letters of the national form.
    DataType {
        Text = "C" "字符型C",
        Number = "N" "数值型N",
        Money = "Y" "货币型Y",
        Date = "D" "日期型D",
        DateTime = "T" "日期时间型T",
        Logic = "L" "逻辑型L",
        Memo = "M" "备注型M",
        General = "G" "通用型G",
        Double = "B" "双精度型B",
        Integer = "I" "整型I",
        Float = "F" "浮点型F",
    }
}

terms! {
    /// Class of format; each admits certain types only.
    FormatClass {
        Document = "1" "电子文件",
        Spreadsheet = "2" "电子表格",
        Database = "3" "数据库",
        Image = "4" "图形图像",
        Media = "5" "流媒体",
        SelfDescribing = "6" "自描述格式",
        Interface = "7" "服务接口",
    }
}

terms! {
    /// Class of sharing method; each admits certain ways only.
    MethodClass {
        Platform = "platform" "共享平台方式",
        Offline = "offline" "邮件拷盘介质交换方式",
    }
}

impl FormatClass {
    /// Types that belong to the class; compared without case. An empty list admits any.
    pub fn types(self) -> &'static [&'static str] {
        match self {
            Self::Document => &["OFD", "WPS", "XML", "TXT", "DOC", "DOCX", "HTML", "PDF", "PPT", "PPTX"],
            Self::Spreadsheet => &["ET", "XLS", "XLSX", "CSV"],
            Self::Database => &[
                "DM", "KingbaseES", "PostgreSQL", "MySQL", "MariaDB", "SQLite", "Access", "DBF", "DBase", "Sybase",
                "Oracle", "SQL Server", "DB2", "Parquet",
            ],
            Self::Image => &["JPG", "PNG", "GIF", "BMP", "TIF", "SHP", "GeoJSON", "WMS", "WMTS"],
            Self::Media => &["SWF", "RM", "MPG", "MP4"],
            Self::SelfDescribing => &[],
            Self::Interface => &["HTTP", "WebService"],
        }
    }

    pub fn admits(self, kind: &str) -> bool {
        let types = self.types();
        !kind.is_empty() && (types.is_empty() || types.iter().any(|known| known.eq_ignore_ascii_case(kind)))
    }

    /// What a new entry of a kind starts with.
    pub fn usual_for(kind: ResourceKind) -> (Self, &'static str) {
        match kind {
            ResourceKind::Table => (Self::Database, "PostgreSQL"),
            ResourceKind::Interface => (Self::Interface, "HTTP"),
            ResourceKind::Map => (Self::Image, "SHP"),
            ResourceKind::File => (Self::Spreadsheet, "XLSX"),
        }
    }
}

impl MethodClass {
    pub fn ways(self) -> &'static [&'static str] {
        match self {
            Self::Platform => &["数据库", "文件下载", "接口"],
            Self::Offline => &["邮件", "拷盘", "介质交换"],
        }
    }

    pub fn admits(self, way: &str) -> bool {
        self.ways().contains(&way)
    }
}

/// The theme libraries; also the theme facet of the search.
pub const THEMES: &[&str] = &[
    "公共服务", "健康保障", "社会保障", "食品药品安全", "安全生产", "价格监管", "能源安全", "信用体系", "城乡建设",
    "社区治理", "生态环保", "应急维稳",
];
