//! Applications, approvals, grants and the mandate they give.
