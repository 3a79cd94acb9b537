# SecantusDB, which speaks MongoDB's protocol and is not MongoDB: only for tests on machines without MongoDB's image.
FROM linli-test/base
COPY secantusdb.scripts/secantusd-rs /opt/secantusdb/secantusdb.scripts/
COPY secantusdb.libs /opt/secantusdb/secantusdb.libs
RUN ln -s /opt/secantusdb/secantusdb.scripts/secantusd-rs /usr/local/bin/ && useradd --uid 999 mongodb && mkdir -p /data/db && chown mongodb /data/db
USER mongodb
EXPOSE 27017
CMD ["secantusd-rs", "--host", "0.0.0.0", "--port", "27017", "--sync-on-commit", "--log-file-max", "128MB", "--cache-size", "256M", "--storage-path", "/data/db"]
