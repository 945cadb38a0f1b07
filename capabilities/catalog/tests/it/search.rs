//! Chinese words, single characters, codes and columns are found; nothing typed is a command.

use hufu_catalog::model::metadata::Metadata;
use hufu_catalog::model::terms::{DataType, ResourceKind};
use hufu_catalog::search::{Facet, Scope, Search, Sort, Wanted};
use hufu_kernel::actor::Role;

use crate::house::{House, complete, field, fields, house};

async fn filled() -> House {
    let house = house().await;
    let table = |name: &str| complete(name);
    house.publish(&house.civil, table("低保对象基本信息"), fields()).await;
    house.publish(&house.civil, Metadata { kind: ResourceKind::Interface, theme: "公共服务".into(), ..table("婚姻登记信息核验服务") }, vec![field("hyzk", "婚姻状况", DataType::Text, "text", "L2")]).await;
    house.publish(&house.social, table("职工养老保险参保状态"), vec![field("grbh_code", "个人编号", DataType::Text, "code", "L2")]).await;
    house.publish(&house.social, Metadata { table_name: "yqsj_hsjc".into(), ..table("核酸检测结果") }, Vec::from([field("jcjg", "检测结果", DataType::Text, "health", "L4")])).await;
    let steward = house.person(&house.civil, Role::R3);
    house.create(&steward, table("低保草稿目录"), Vec::new()).await.unwrap();
    house.catalog.search().catch_up(house.db()).await.unwrap();
    house
}

async fn names(house: &House, wanted: Wanted) -> Vec<String> {
    let found = house.catalog.search().find(wanted).await.unwrap();
    let views = hufu_catalog::resources(house.db(), &found.ids).await.unwrap();
    views.into_iter().map(|view| view.name).collect()
}

fn typed(text: &str) -> Wanted {
    Wanted { text: text.into(), ..Wanted::default() }
}

#[tokio::test]
async fn cat_5_words_characters_codes_and_columns_are_found() {
    let house = filled().await;
    let cases = [
        ("低保", "低保对象基本信息"),
        ("婚姻登记", "婚姻登记信息核验服务"),
        ("婚", "婚姻登记信息核验服务"),
        ("参保 养老", "职工养老保险参保状态"),
        ("公民身份号码", "低保对象基本信息"),
        ("sfzh", "低保对象基本信息"),
        ("SFZH", "低保对象基本信息"),
        ("ｓｆｚｈ", "低保对象基本信息"),
        ("grbh", "职工养老保险参保状态"),
        ("3050120001/000003", "职工养老保险参保状态"),
        ("3050120001-000004", "核酸检测结果"),
        ("yqsj", "核酸检测结果"),
        ("市人社局 核酸", "核酸检测结果"),
        ("检测结", "核酸检测结果"),
    ];
    for (text, expected) in cases {
        let found = names(&house, typed(text)).await;
        assert_eq!(found.first().map(String::as_str), Some(expected), "{text}: {found:?}");
    }
    assert_eq!(names(&house, typed("低保 养老")).await, Vec::<String>::new(), "every word must occur");
    assert_eq!(names(&house, typed("不存在的词语")).await, Vec::<String>::new());
}

#[tokio::test]
async fn cat_5_signs_of_query_languages_are_only_text() {
    let house = filled().await;
    let nasty = ["name_words:低保", "低保 OR 养老", "*", "(", "\"", "低保~5", "[a TO z]", "-低保", "a\\", "%' OR '1'='1", "\u{0}", &"低".repeat(5000)];
    for text in nasty {
        let found = house.catalog.search().find(typed(text)).await;
        assert!(found.is_ok(), "{text}");
    }
    assert_eq!(names(&house, typed("-低保")).await, ["低保对象基本信息"]);
    assert_eq!(names(&house, typed("低保 OR 养老")).await, Vec::<String>::new(), "OR is a word like another");
    assert_eq!(names(&house, typed("*")).await.len(), 4, "without words everything matches");
}

#[tokio::test]
async fn cat_5_facets_keep_the_numbers_of_the_other_choices() {
    let house = filled().await;
    let mut wanted = typed("");
    wanted.chosen.insert(Facet::Kind, vec!["table".into()]);
    let found = house.catalog.search().find(wanted.clone()).await.unwrap();
    assert_eq!(found.total, 3);
    assert_eq!(found.counts[&Facet::Kind], [("interface".to_owned(), 1), ("table".to_owned(), 3)].into());
    assert_eq!(found.counts[&Facet::Grade], [("L2".to_owned(), 1), ("L4".to_owned(), 2)].into());
    assert_eq!(found.counts[&Facet::Unit][house.civil.id.as_str()], 1);
    let area = house.civil.chain().next().unwrap();
    assert_eq!(found.counts[&Facet::Unit][area], 3, "a unit counts all below it");
    wanted.chosen.insert(Facet::Grade, vec!["L4".into()]);
    let both = house.catalog.search().find(wanted).await.unwrap();
    assert_eq!((both.total, both.counts[&Facet::Grade]["L2"]), (2, 1));
}

#[tokio::test]
async fn cat_5_drafts_are_found_by_their_own_unit_alone() {
    let house = filled().await;
    let found = names(&house, typed("草稿")).await;
    assert_eq!(found, Vec::<String>::new());
    let own = Wanted { scope: Scope::PublishedAndUnit(house.civil.id.clone()), ..typed("草稿") };
    assert_eq!(names(&house, own).await, ["低保草稿目录"]);
    let other = Wanted { scope: Scope::PublishedAndUnit(house.social.id.clone()), ..typed("草稿") };
    assert_eq!(names(&house, other).await, Vec::<String>::new());
}

#[tokio::test]
async fn cat_5_order_and_pages_hold_together() {
    let house = filled().await;
    let by_code = Wanted { sort: Sort::Code, size: 3, ..typed("") };
    let first = names(&house, by_code.clone()).await;
    let second = names(&house, Wanted { page: 2, ..by_code }).await;
    assert_eq!(first, ["低保对象基本信息", "婚姻登记信息核验服务", "职工养老保险参保状态"]);
    assert_eq!(second, ["核酸检测结果"]);
}

#[tokio::test]
async fn cat_5_the_store_is_the_truth() {
    let house = filled().await;
    assert_eq!(house.catalog.search().entries(), 5);
    let kernel = house.kernel().clone();
    let house_dir = house.dir.path().join("elsewhere");
    std::fs::create_dir_all(&house_dir).unwrap();
    let fresh = Search::open(&house_dir).unwrap();
    assert_eq!(fresh.entries(), 0);
    fresh.catch_up(kernel.store.reader()).await.unwrap();
    assert_eq!(fresh.entries(), 5, "an absent index is built from the store");
    house.clock.advance(chrono::Duration::hours(1));
    house.publish(&house.civil, complete("养老机构名录"), fields()).await;
    fresh.catch_up(kernel.store.reader()).await.unwrap();
    assert_eq!(fresh.find(typed("养老机构")).await.unwrap().total, 1, "an index that is behind catches up");
    drop(fresh);
    let folder = std::fs::read_dir(house_dir.join("search")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(folder.join("meta.json"), b"{ damaged").unwrap();
    let mended = Search::open(&house_dir).unwrap();
    mended.catch_up(kernel.store.reader()).await.unwrap();
    assert_eq!(mended.entries(), 6, "a damaged index is built anew");
}

#[tokio::test]
async fn cat_5_changes_are_found_soon_after_their_commit() {
    let house = house().await;
    let following = tokio::spawn(house.catalog.search().clone().follow(house.kernel().clone()));
    tokio::task::yield_now().await;
    house.publish(&house.civil, complete("低保对象基本信息"), fields()).await;
    let mut found = 0;
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        found = house.catalog.search().find(typed("低保")).await.unwrap().total;
        if found == 1 {
            break;
        }
    }
    following.abort();
    assert_eq!(found, 1);
}
