//! Repeats GetCallerIdentity with one client until the file exists.

#[tokio::main]
async fn main() {
    let file = std::env::args().nth(1).expect("the file");
    let client = aws_sdk_sts::Client::new(&aws_config::load_from_env().await);
    while !std::path::Path::new(&file).exists() {
        if let Err(error) = client.get_caller_identity().send().await {
            eprintln!("{error:?}");
            std::process::exit(1);
        }
        tokio::time::sleep(core::time::Duration::from_millis(200)).await;
    }
}
