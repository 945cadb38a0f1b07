//! The left menu: what each capability registers at start, as one actor may see it. A page that does not exist is not in it.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::actor::{Actor, Role};

/// The nine groups of the menu, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Desk,
    Catalog,
    Sharing,
    Use,
    Policy,
    Watch,
    Inspect,
    Audit,
    System,
}

impl Group {
    pub fn label(self) -> &'static str {
        match self {
            Self::Desk => "工作台",
            Self::Catalog => "数据目录",
            Self::Sharing => "共享申请",
            Self::Use => "数据使用",
            Self::Policy => "安全策略",
            Self::Watch => "监测处置",
            Self::Inspect => "专项工作",
            Self::Audit => "审计",
            Self::System => "系统管理",
        }
    }

    pub fn icon(self) -> &'static str {
        match self {
            Self::Desk => "grid",
            Self::Catalog => "layers",
            Self::Sharing => "meet",
            Self::Use => "term",
            Self::Policy => "shield",
            Self::Watch => "radar",
            Self::Inspect => "clip",
            Self::Audit => "scroll",
            Self::System => "sliders",
        }
    }
}

/// How many things wait behind an entry, for this actor. `None` shows no number.
pub type Count = Arc<dyn Fn(Actor) -> BoxFuture<'static, Option<u64>> + Send + Sync>;

/// One entry, as a capability registers it.
#[derive(Clone)]
pub struct MenuItem {
    pub group: Group,
    pub label: &'static str,
    pub href: &'static str,
    /// Empty: every role.
    pub roles: &'static [Role],
    pub count: Option<Count>,
}

impl MenuItem {
    pub fn new(group: Group, label: &'static str, href: &'static str, roles: &'static [Role]) -> Self {
        Self { group, label, href, roles, count: None }
    }

    pub fn counted(self, count: Count) -> Self {
        Self { count: Some(count), ..self }
    }
}

impl std::fmt::Debug for MenuItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MenuItem")
            .field("label", &self.label)
            .field("href", &self.href)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// A group as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuGroup {
    pub group: Group,
    pub items: Vec<MenuLink>,
}

impl MenuGroup {
    /// A group of one entry with the group's own name is a plain link.
    pub fn single(&self) -> Option<&MenuLink> {
        match self.items.as_slice() {
            [one] if one.label == self.group.label() => Some(one),
            _ => None,
        }
    }

    pub fn first(&self) -> Option<&MenuLink> {
        self.items.first()
    }

    pub fn open(&self) -> bool {
        self.items.iter().any(|item| item.on)
    }

    pub fn label(&self) -> &'static str {
        self.group.label()
    }

    pub fn icon(&self) -> &'static str {
        self.group.icon()
    }
}

/// An entry as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuLink {
    pub label: &'static str,
    pub href: &'static str,
    pub count: Option<u64>,
    pub on: bool,
}

/// The menu of one actor on one page.
pub async fn menu_for(items: &[MenuItem], actor: &Actor, path: &str) -> Vec<MenuGroup> {
    let mine: Vec<&MenuItem> = items.iter().filter(|item| visible(item, actor)).collect();
    let current = mine.iter().map(|item| item.href).filter(|href| covers(href, path)).max_by_key(|href| href.len());
    let mut groups: Vec<MenuGroup> = Vec::new();
    for item in mine {
        let count = match &item.count {
            Some(count) => count(actor.clone()).await.filter(|n| *n > 0),
            None => None,
        };
        let link = MenuLink { label: item.label, href: item.href, count, on: current == Some(item.href) };
        match groups.iter_mut().find(|group| group.group == item.group) {
            Some(group) => group.items.push(link),
            None => groups.push(MenuGroup { group: item.group, items: vec![link] }),
        }
    }
    groups.sort_by_key(|group| group.group);
    groups
}

fn visible(item: &MenuItem, actor: &Actor) -> bool {
    item.roles.is_empty() || item.roles.iter().any(|role| actor.has(*role))
}

/// Is `path` this entry's page or one below it?
fn covers(href: &str, path: &str) -> bool {
    path == href || (href != "/" && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::tests::actor;

    fn items() -> Vec<MenuItem> {
        vec![
            MenuItem::new(Group::Audit, "审计日志", "/audit", &[Role::R5]),
            MenuItem::new(Group::Desk, "工作台", "/", &[]).counted(Arc::new(|_| Box::pin(async { Some(3) }))),
            MenuItem::new(Group::Catalog, "目录检索", "/catalog", &[Role::R1, Role::R4]),
            MenuItem::new(Group::Catalog, "编目", "/catalog/edit", &[Role::R3]),
        ]
    }

    #[tokio::test]
    async fn a_role_sees_only_its_entries_in_the_fixed_order() {
        let menu = menu_for(&items(), &actor(&[Role::R4]), "/catalog/MZJ-000082").await;
        let labels: Vec<&str> = menu.iter().map(MenuGroup::label).collect();
        assert_eq!(labels, ["工作台", "数据目录"]);
        assert_eq!(menu[0].single().unwrap().count, Some(3));
        assert!(menu[1].open());
        assert!(menu[1].single().is_none(), "a group whose one entry has another name stays a group");
    }

    #[tokio::test]
    async fn the_longest_entry_is_the_current_one() {
        let menu = menu_for(&items(), &actor(&[Role::R3, Role::R1]), "/catalog/edit/7").await;
        let on: Vec<&str> = menu.iter().flat_map(|g| &g.items).filter(|l| l.on).map(|l| l.href).collect();
        assert_eq!(on, ["/catalog/edit"]);
    }
}
