# RabbitMQ as Debian packages it, behind the entrypoint name of the official image.
FROM linli-test/base
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends rabbitmq-server >/dev/null \
    && rm -rf /var/lib/apt/lists/* /etc/rabbitmq/*
COPY rabbitmq-entrypoint /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/rabbitmq/bin:$PATH HOME=/var/lib/rabbitmq LANG=C.UTF-8
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["rabbitmq-server"]
