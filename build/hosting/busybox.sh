busybox httpd -f -p 8000 -h /srv/www
