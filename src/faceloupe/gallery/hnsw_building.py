"""Building an HNSW index on the server, with its progress, so that it can be interrupted."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from faceloupe.gallery import hnsw_statements
from faceloupe.gallery.database import Database
from faceloupe.gallery.records import EmbedderId
from faceloupe.progress import Progress

TOO_SMALL = "hnsw graph no longer fits into maintenance_work_mem"
"""How pgvector's notice begins where it has to build on the disk, which takes several times as long."""


def create(
    database: Database,
    name: str,
    embedder: EmbedderId,
    dimensions: int,
    m: int,
    ef_construction: int,
    progress: Progress | None,
) -> list[str]:
    """Create the index of an embedder's references; return what to know about it, see :meth:`Hnsw.build`."""
    with database.bare() as connection, ThreadPoolExecutor(1, "hnsw") as thread:
        driver: Any = connection.connection.dbapi_connection
        notices: list[str] = []
        driver.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        building = thread.submit(
            connection.exec_driver_sql,
            hnsw_statements.creation(connection, name, embedder, dimensions, m, ef_construction),
        )
        try:
            _watch(database, name, building, progress)
        except BaseException:
            driver.cancel()  # or leaving the block would wait for the server to finish
            raise
        memory = connection.exec_driver_sql("SHOW maintenance_work_mem").scalar()
    if not any(notice.startswith(TOO_SMALL) for notice in notices):
        return []
    return [
        f"the index did not fit into {memory} of the server's memory (maintenance_work_mem), which slows building "
        "down. ALTER DATABASE ... SET maintenance_work_mem = '2GB' gives it more, for the next time and for when "
        "somebody is erased"
    ]


def _watch(database: Database, name: str, building: "Future[Any]", progress: Progress | None) -> None:
    while wait([building], timeout=1.0).not_done:
        if progress is not None:
            with database.reading() as connection:
                row = connection.execute(hnsw_statements.PROGRESS, {"name": name}).one_or_none()
            if row is not None and row.blocks_total:
                progress(row.blocks_done, row.blocks_total)
    building.result()
