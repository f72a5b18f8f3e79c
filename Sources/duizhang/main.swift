print("duizhang")
