"""Alert rules, a dashboard and a scrape configuration, made from code."""
