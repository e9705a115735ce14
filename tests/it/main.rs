//! The program as its users meet it: the rules by hand-written fixtures, the commands by running them.

mod answers;
mod api;
mod canaries;
mod canary;
mod canary_failures;
mod check;
mod commands;
mod crashes;
mod defects;
mod defects_documents;
mod defects_sending;
mod failures;
mod fallback;
mod firewall;
mod fixture;
mod full_disk;
mod golden;
mod gone;
mod guards;
mod init_from_env;
mod isolation;
mod killed;
mod mistakes;
mod model;
mod mutants;
mod new_cms;
mod night;
#[cfg(feature = "oracle")]
mod oracle;
mod plan;
mod plugin_new;
mod plugins;
mod postgres;
mod profiles;
mod program;
mod purges;
mod refusals;
mod resubmit;
mod sdms;
#[allow(dead_code, reason = "the plugin's own tests use the rest")]
#[path = "../../plugins/examples/sdms-source/tests/it/server.rs"]
mod sdms_server;
mod shards;
mod signals;
mod sql_believed;
mod sql_filled;
mod sqlserver;
mod staged;
mod unchanged;
mod upgrade;
mod way;
mod windows;
mod withdrawn;
#[cfg(not(feature = "oracle"))]
mod without_oracle;
