//! Somebody else's connection to SQL Server: the CMS's script, or an administrator.

use csc_bridge_test_tds::Server;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio_util::compat::TokioAsyncWriteCompatExt;

/// The password of `sa`, who owns everything.
pub const PASSWORD: &str = "sa's own";

/// Runs T-SQL as `sa`, and without answers. Semicolons stand between statements.
pub fn tsql(server: &Server, database: &str, statements: &str) {
    let mut config = Config::new();
    config.host("127.0.0.1");
    config.port(server.port());
    config.database(database);
    config.authentication(AuthMethod::sql_server("sa", PASSWORD));
    config.encryption(EncryptionLevel::Off);
    config.trust_cert();
    let run = async {
        let socket = TcpStream::connect(config.get_addr()).await.expect("a connection");
        let mut client = Client::connect(config, socket.compat_write()).await?;
        client.simple_query(statements).await?.into_results().await?;
        client.close().await
    };
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run).unwrap_or_else(|error| panic!("{statements}: {error}"));
}
