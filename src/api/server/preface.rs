//! Which HTTP a connection speaks, told by its first bytes. hyper-util tells it too, but waits for them without end.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

const HTTP2: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Http1,
    Http2,
}

/// Reads as many bytes as it takes to tell, and gives the connection back as if it had not been read.
pub async fn read<I: AsyncRead + Unpin>(mut io: I) -> io::Result<(Version, Rewound<I>)> {
    let mut buffer = [0; HTTP2.len()];
    let mut filled = 0;
    // Each round reads at least a byte.
    let version = loop {
        if buffer[..filled] != HTTP2[..filled] {
            break Version::Http1;
        }
        if filled == HTTP2.len() {
            break Version::Http2;
        }
        match io.read(&mut buffer[filled..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    };
    Ok((version, Rewound { first: Bytes::copy_from_slice(&buffer[..filled]), io }))
}

/// A connection that says again what was read of it.
pub struct Rewound<I> {
    first: Bytes,
    io: I,
}

impl<I: AsyncRead + Unpin> AsyncRead for Rewound<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buffer);
        }
        let count = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first[..count]);
        self.first.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Rewound<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn told(pieces: &[&[u8]]) -> (Version, Vec<u8>) {
        let (mut client, server) = tokio::io::duplex(64);
        let said = async {
            for piece in pieces {
                client.write_all(piece).await.expect("taken");
                tokio::task::yield_now().await;
            }
            drop(client);
        };
        let (opened, ()) = tokio::join!(read(server), said);
        let (version, mut io) = opened.expect("told");
        let mut all = Vec::new();
        io.read_to_end(&mut all).await.expect("read");
        (version, all)
    }

    #[tokio::test]
    async fn the_first_bytes_tell_the_version_and_are_read_again() {
        let request: &[u8] = b"POST / HTTP/1.1\r\n\r\n";
        assert_eq!(told(&[request]).await, (Version::Http1, request.to_vec()));
        let preface = &HTTP2[..];
        assert_eq!(told(&[b"PRI *", &preface[5..], b"more"]).await, (Version::Http2, [preface, b"more"].concat()));
        assert_eq!(told(&[b"P", b"OST"]).await, (Version::Http1, b"POST".to_vec()));
    }

    #[tokio::test]
    async fn a_connection_that_closes_before_it_speaks_is_an_error() {
        let (client, server) = tokio::io::duplex(64);
        drop(client);
        assert!(read(server).await.is_err());
    }
}
